"""`dev.py run --host none`: what is said to whoever brings the host."""

from pathlib import Path

import pytest

from tools.stack import options
from tools.stack.data_folder import DataFolder
from tools.stack.parts import extension_bundle, own_host, services
from tools.stack.parts.services import connection_string

APP = Path("/app")
PORTS = {"--storage-port": 10000, "--emulator-port": 6500}
VALUES = {
    "AzureWebJobsStorage": "UseDevelopmentStorage=true",
    "EVENTGRID_ENDPOINT": "http://127.0.0.1:6500",
    extension_bundle.DOWNLOAD_PATH: "tools/stack/bundle",
}
NEEDED = {
    "AzureWebJobsStorage": connection_string(10000),
    "EVENTGRID_ENDPOINT": "http://127.0.0.1:6500",
    extension_bundle.DOWNLOAD_PATH: str(APP / "tools/stack/bundle"),
}


def test_nothing_is_to_be_done_where_the_settings_lead_here() -> None:
    """With the default ports F5 works at once."""
    said = own_host.instructions(APP, VALUES, NEEDED, PORTS)

    assert said[0].endswith("leads here as it is.")
    assert "`func start`" in said[1]


@pytest.mark.parametrize(
    ("name", "changed"),
    [
        ("AzureWebJobsStorage", connection_string(10001)),
        ("EVENTGRID_ENDPOINT", "http://127.0.0.1:6501"),
        ("TOPOLOGY_FILE", "/elsewhere/topology.json"),
        (extension_bundle.DOWNLOAD_PATH, "/elsewhere/bundle"),
    ],
)
def test_what_leads_elsewhere_is_printed_as_the_line_to_put(
    name: str, changed: str
) -> None:
    """Another port, or another file, is one line to copy."""
    ports = PORTS | {"--storage-port": 10001 if "10001" in changed else 10000}

    said = own_host.instructions(APP, VALUES, NEEDED | {name: changed}, ports)

    assert f'  "{name}": "{changed}",' in said
    assert len(said) == 3


def test_without_a_host_only_what_it_needs_is_started(tmp_path: Path) -> None:
    """The port of the host stays free for whoever brings it."""
    given = options.read(["--host", "none", "--app", str(tmp_path)])
    (tmp_path / "local.settings.json").write_text('{"Values": {}}')

    parts, _ = services.build(given, PORTS, DataFolder(tmp_path / "data"))

    assert [part.name for part in parts] == ["Azurite", "emulator"]

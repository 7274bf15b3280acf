"""What the host is told besides local.settings.json."""

from pathlib import Path

import pytest

from functions_host.settings import apply_local_settings
from moderation.settings import spelled
from tools.stack.settings import settings_file
from tools.terminal import ROOT, CannotGoOn

EXAMPLE = {
    "AzureWebJobsStorage": "UseDevelopmentStorage=true",
    "EVENTGRID_ENDPOINT": "http://127.0.0.1:6500",
}
STARTED = {
    "AzureWebJobsStorage": "BlobEndpoint=http://127.0.0.1:40001/devstoreaccount1",
    "EVENTGRID_ENDPOINT": "http://127.0.0.1:40002",
}


def test_settings_left_as_in_the_example_follow_the_ports() -> None:
    """Other ports need no edit of local.settings.json."""
    told = settings_file.overrides(EXAMPLE, EXAMPLE, {}, STARTED)

    assert told.environment == STARTED
    assert told.notes == ()


def test_a_value_someone_chose_is_left_alone_and_reported() -> None:
    """Who points the app at a namespace in Azure gets that, and is reminded of it."""
    chosen = {**EXAMPLE, "EVENTGRID_ENDPOINT": "https://ns.eventgrid.azure.net"}

    told = settings_file.overrides(chosen, EXAMPLE, {}, STARTED)

    assert "EVENTGRID_ENDPOINT" not in told.environment
    [note] = told.notes
    assert note.startswith("EVENTGRID_ENDPOINT was set in local.settings.json")


def test_the_environment_wins_over_what_is_started() -> None:
    """A variable of the shell is a choice too."""
    shell = {"AzureWebJobsStorage": "mine"}

    told = settings_file.overrides(EXAMPLE, EXAMPLE, shell, STARTED)

    assert "AzureWebJobsStorage" not in told.environment
    assert told.notes[0].startswith("AzureWebJobsStorage was set in the environment")


def test_a_setting_missing_from_the_file_is_reported() -> None:
    """A file from an older version is not silently completed."""
    told = settings_file.overrides({}, EXAMPLE, {}, STARTED)

    assert told.environment == {}
    assert all("is missing from local.settings.json" in note for note in told.notes)


def test_an_app_of_the_library_spells_its_connection_as_functions_does() -> None:
    """Its own example says how, and nothing is missed that it does not have."""
    example = settings_file.example(ROOT / "examples" / "orders")
    endpoint = spelled("EVENTGRID_ENDPOINT", example)
    started = {endpoint: "http://127.0.0.1:40002", "AUDIT_CONTAINER": "audit"}

    told = settings_file.overrides(example, example, {}, started)

    assert endpoint == "EVENTGRID__endpoint"
    assert told.environment == {endpoint: "http://127.0.0.1:40002"}
    assert told.notes == ()


def test_the_file_is_made_from_the_example_once(tmp_path: Path) -> None:
    """A fresh clone runs, and an edited file is never overwritten."""
    first = settings_file.make_if_missing(tmp_path)
    second = settings_file.make_if_missing(tmp_path)

    made = settings_file.read(tmp_path / settings_file.FILE)
    assert made == settings_file.read(ROOT / settings_file.EXAMPLE)
    assert first is not None
    assert second is None


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ('// mine\n{"Values": {"A": "1", /* no */ "B": "http://x",},}', None),
        ('\ufeff{"IsEncrypted": false, "Values": {"A": "1", "B": "http://x"}}', None),
        ('{"values": {\'A\': "1", B: "http://x"}, "isEncrypted": "false"}', None),
        ('{"Values": {"A": 1, "B": "http://x", "C": null}}', None),
        ('{"Values": {"A": true, "B": false}}', {"A": "true", "B": "false"}),
        ('{"Values": {"A": 1.50, "B": 1e3}}', {"A": "1.50", "B": "1e3"}),
        ('{"Values": {}}', {}),
        ('{"Host": {"CORS": "*"}, "Values": {"A": ""}}', {"A": ""}),
    ],
)
def test_a_file_is_read_as_func_reads_it(
    tmp_path: Path, text: str, values: dict[str, str] | None
) -> None:
    """
    With comments, and values that are no strings; the stack and the stand-in alike.
    """
    expected = {"A": "1", "B": "http://x"} if values is None else values
    file, environ = tmp_path / settings_file.FILE, {"A": "kept"}
    file.write_text(text, encoding="utf-8")

    assert settings_file.read(file) == expected
    apply_local_settings(tmp_path, environ)
    assert environ == expected | {"A": "kept"}


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        '{"Values": 3}',
        '{"Host": {}}',
        '{"Values": {"A": ["1"]}}',
        '{"IsEncrypted": true, "Values": {"A": "gibberish"}}',
    ],
)
def test_a_broken_file_is_named(tmp_path: Path, text: str) -> None:
    """The error says which file to mend."""
    file = tmp_path / settings_file.FILE
    file.write_text(text)

    with pytest.raises(CannotGoOn, match=r"local\.settings\.json"):
        settings_file.read(file)

"""How long a function may take, read from host.json as the host reads it, by both readers."""

from math import inf
from pathlib import Path

import pytest

from functions_host.settings import BadSettings, host_settings
from moderation.checks.host_json import HOST_JSON, HostJsonInvalid, function_timeout

OVERRIDE = "azurefunctionsjobhost__FunctionTimeout"


@pytest.mark.parametrize(
    ("given", "seconds"),
    [
        ("", 1800),
        ('"functionTimeout": null', 1800),
        ('"functionTimeout": ""', 1800),
        ('"functionTimeout": "00:05:00"', 300),
        ('"functionTimeout": "00:00:01"', 1),
        ('"functionTimeout": "00:01:30.5"', 90.5),
        ('"functionTimeout": "1.00:00:00"', 86_400),
        ('"functionTimeout": "24:00:00"', 24 * 86_400),
        ('"functionTimeout": 10', 10 * 86_400),
        ('"functionTimeout": "-1"', inf),
        ('"functionTimeout": -1', inf),
        ('"functionTimeout": "-1.00:00:00"', inf),
        ('"FunctionTimeout": "00:05:00"', 300),
        ('// ours\n"functionTimeout": "00:05:00", /* no more */', 300),
    ],
)
def test_the_function_timeout_is_read(
    tmp_path: Path, given: str, seconds: float
) -> None:
    """Without one, Flex Consumption's 30 minutes hold; -1 is no limit."""
    file = tmp_path / "host.json"
    file.write_text(f'{{"version": "2.0", {given}\n}}', encoding="utf-8-sig")

    assert function_timeout({}, file) == seconds
    stand_in = host_settings(tmp_path).function_timeout
    assert (inf if stand_in is None else stand_in) == seconds
    assert function_timeout({OVERRIDE: "00:07:00"}, file) == 420


@pytest.mark.parametrize("content", ["{}", None])
def test_without_one_the_host_takes_its_default(
    tmp_path: Path, content: str | None
) -> None:
    """It writes the file itself then."""
    file = tmp_path / "host.json"
    if content is not None:
        file.write_text(content, encoding="utf-8")

    assert function_timeout({}, file) == 1800
    assert host_settings(tmp_path).function_timeout == 1800


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("broken", "host.json cannot be read"),
        ("[]", "JSON object"),
        ('{"functionTimeout": "00:05:00"}', "version"),
        ('{"version": "4.0"}', "version"),
        ('{"version": "2.0", "functionTimeout": "often"}', "'often'"),
        ('{"version": "2.0", "functionTimeout": "00:00:00.5"}', "from 00:00:01"),
        ('{"version": "2.0", "functionTimeout": "-00:05:00"}', "-1 for no limit"),
        (
            '{"version": "2.0", "functionTimeout": "PT5M"}',
            "functionTimeout in host.json",
        ),
        ('{"version": "2.0", "functionTimeout": true}', "functionTimeout"),
        ('{"version": "2.0", "functionTimeout": {}}', "functionTimeout"),
    ],
)
def test_what_the_host_refuses_is_named(
    tmp_path: Path, content: str, says: str
) -> None:
    """A default in its place would hide that the app does not start."""
    file = tmp_path / "host.json"
    file.write_text(content, encoding="utf-8")

    with pytest.raises(HostJsonInvalid) as caught:
        function_timeout({}, file)
    assert says in f"{caught.value.where} {caught.value}"
    with pytest.raises(BadSettings, match=r"host\.json"):
        host_settings(tmp_path)
    with pytest.raises(HostJsonInvalid, match="'soon'"):
        function_timeout({OVERRIDE: "soon"}, tmp_path / "none.json")


def test_what_is_read_is_the_host_json_of_the_app() -> None:
    """Without a file there the host's default would be taken for what it says."""
    assert Path(__file__).parents[2] / "host.json" == HOST_JSON
    assert HOST_JSON.is_file()

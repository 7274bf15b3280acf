"""Read from host.json how long a function may take, as the Functions host does."""

from collections.abc import Mapping
from datetime import timedelta
from math import inf
from pathlib import Path
from typing import Any

from eventgrid_pull.settings.timespan import time_span
from moderation import relaxed_json

HOST_JSON = Path(__file__).parents[2] / "host.json"
DEFAULT_TIMEOUT = 1800  # what the host takes on Flex Consumption, when there is none
# A setting of this name, in any case, wins over the file.
OVERRIDE = "AzureFunctionsJobHost__functionTimeout"


class HostJsonInvalid(Exception):
    """The host would not start with this: `where` says what is wrong, the text how."""

    def __init__(self, where: str, problem: str) -> None:
        super().__init__(problem)
        self.where = where


def function_timeout(environ: Mapping[str, str], file: Path = HOST_JSON) -> float:
    """Return the seconds that a function may take, or infinity. Raises HostJsonInvalid."""
    where, given = f"functionTimeout in {file.name}", _of_file(file)
    for name, value in environ.items():
        if name.lower() == OVERRIDE.lower():
            where, given = name, value
    if given is None or given == "":
        return DEFAULT_TIMEOUT
    span = time_span(str(given))
    if span == timedelta(days=-1):
        return inf
    if span is None or span < timedelta(seconds=1):
        problem = (
            f"is {given!r}: a time span from 00:00:01, as 00:10:00, or -1 for no limit"
        )
        raise HostJsonInvalid(where, problem)
    return span.total_seconds()


def _of_file(file: Path) -> Any:
    """Return functionTimeout as it stands there. Raises HostJsonInvalid."""
    try:
        content = relaxed_json.decode(file.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise HostJsonInvalid(file.name, f"cannot be read: {error}") from None
    if not isinstance(content, dict):
        raise HostJsonInvalid(file.name, "must be a JSON object")
    if content and content.get("version") != "2.0":
        raise HostJsonInvalid(file.name, 'must have "version": "2.0"')
    given = [
        value for key, value in content.items() if key.lower() == "functiontimeout"
    ]
    return given[-1] if given else None

"""What docs/settings.md says about each setting: it is the list that people read too."""

import re
from dataclasses import dataclass
from functools import cache

from local.terminal import ROOT

PAGE = ROOT / "docs" / "settings.md"
ROW = re.compile(r"^\| (?P<names>`[^|]+) \|.*\| (?P<rule>[^|]+) \|$")
RANGE = re.compile(r"(?:^|; )(\d+) to (\d+)$")
SECRET = re.compile(r"KEY|SECRET|PASSWORD|TOKEN|CONNECTION_STRING|SAS\b")
IDENTITY = (
    "AzureWebJobsStorage__accountName",
    "AzureWebJobsStorage__credential",
    "AzureWebJobsStorage__clientId",
    "AZURE_CLIENT_ID",
)


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting that the code reads, whether it must be there, and its whole numbers."""

    name: str
    required: bool
    numbers: range | None


@cache
def settings() -> dict[str, Setting]:
    """Every documented setting by its name."""
    found = {}
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        if row := ROW.match(line):
            for name in re.findall("`([A-Z_]+)`", row["names"]):
                limits = RANGE.search(row["rule"])
                numbers = range(int(limits[1]), int(limits[2]) + 1) if limits else None
                found[name] = Setting(name, row["rule"] == "required", numbers)
    return found


def compared() -> set[str]:
    """Settings whose values are worth reading, and are no secret."""
    plain = {name for name in settings() if not is_secret(name)}
    return plain | set(IDENTITY)


def is_secret(name: str) -> bool:
    """Whether a value of that name may not be shown or written."""
    return SECRET.search(name) is not None

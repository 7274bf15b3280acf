"""What local.settings.json has to say for the laptop to use the deployed namespace."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from moderation.settings import SETTINGS
from tools.terminal import CannotGoOn

NEEDED = ("EVENTGRID_ENDPOINT", "AUDIT_STORAGE_ACCOUNT_URL")
TAKEN = (
    *NEEDED,
    *("EVENTGRID_TOPIC_NAME", "AUDIT_CONTAINER", "ACTIVITY_CONTAINER"),
    "DEAD_LETTER_STORAGE_ACCOUNT_URL",
)
SECRET = {setting.name for setting in SETTINGS if setting.secret}
DROPPED = {
    "EVENTGRID_KEY": "a key would be used instead of your own identity",
    "AUDIT_STORAGE_CONNECTION_STRING": "AUDIT_STORAGE_ACCOUNT_URL takes its place",
    "AZURE_CLIENT_ID": "it names the app's identity, which is not there on a laptop",
}


@dataclass(frozen=True, slots=True)
class Change:
    """One setting that gets another value, or is removed when `after` is None."""

    name: str
    before: str | None
    after: str | None
    why: str = ""

    def __str__(self) -> str:
        if self.after is None:
            return f"{self.name}: removed; {self.why}"
        before = "not set" if self.before is None else self.before
        if self.name in SECRET:
            return f"{self.name}: set to the value of the example"
        return f"{self.name}: {before} -> {self.after}"


def from_azure(
    values: Mapping[str, str], outputs: Mapping[str, str]
) -> Iterator[Change]:
    """Yield the changes that point the laptop at what was deployed.

    Raises CannotGoOn when an output is missing or no https:// address.
    """
    missing = [name for name in NEEDED if not outputs.get(name)]
    if missing:
        raise CannotGoOn(
            f"the deployment has no output {' and no '.join(missing)}: is it one of "
            "infra/main.bicep, and finished?"
        )
    for name in TAKEN:
        value = outputs.get(name)
        if name in NEEDED and not str(value).startswith("https://"):
            raise CannotGoOn(f"the output {name} is not an https:// address: {value!r}")
        if value and values.get(name) != value:
            yield Change(name, values.get(name), value)
    for name, why in DROPPED.items():
        if name in values:
            yield Change(name, values[name], None, why)


def from_example(
    values: Mapping[str, str], example: Mapping[str, str]
) -> Iterator[Change]:
    """Yield the changes that point the laptop at the local stack again."""
    for name in (*TAKEN, *DROPPED):
        wanted = example.get(name)
        if values.get(name) != wanted:
            yield Change(name, values.get(name), wanted, "the local stack has no need")


def apply(values: Mapping[str, str], changes: list[Change]) -> dict[str, str]:
    """Return the values with the changes made; what is not changed keeps its place."""
    result = dict(values)
    for change in changes:
        if change.after is None:
            result.pop(change.name, None)
        else:
            result[change.name] = change.after
    return result

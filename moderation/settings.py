"""Every setting of the whole app: what it is for, and its value, checked all at once.

Those of one event subscription are in `timers`.
"""

import re
from collections.abc import Mapping
from typing import NamedTuple

import msgspec

from eventgrid_pull import ConnectionInvalid
from eventgrid_pull.events.cloudevents import Problem
from eventgrid_pull.settings import connection
from eventgrid_pull.settings.addresses import split

NAME = re.compile(r"[A-Za-z0-9-]{3,50}\Z")
CONTAINER = re.compile(r"(?=.{3,63}\Z)[a-z0-9]+(-[a-z0-9]+)*\Z")


class Setting(NamedTuple):
    """One setting; `default` is empty for none, `allowed` is for whole numbers.

    What is secret is never shown, only whether it is set.
    """

    name: str
    what: str
    default: str = ""
    unit: str = ""
    secret: bool = False
    allowed: range = range(0)
    required: bool = False


# The library reads the settings that begin with this, also as Functions spells them.
CONNECTION = "EVENTGRID"
OTHERWISE = {
    "EVENTGRID_ENDPOINT": "EVENTGRID__endpoint",
    "EVENTGRID_KEY": "EVENTGRID__key",
}
PAYLOADS = ("shown", "on-request", "never")
SETTINGS = (
    Setting("EVENTGRID_ENDPOINT", "the endpoint of the namespace", required=True),
    Setting("EVENTGRID_TOPOLOGY_FILE", "another topology.json; for this machine only"),
    Setting("EVENTGRID_TOPIC_NAME", "the namespace topic; by default topology.json's"),
    Setting(
        "EVENTGRID_KEY",
        "an access key of the namespace; without it the app signs in as itself",
        secret=True,
    ),
    Setting(
        "AUDIT_STORAGE_ACCOUNT_URL",
        "the blob endpoint of the account for the audit log, used with the app's identity",
    ),
    Setting(
        "AUDIT_STORAGE_CONNECTION_STRING",
        "a connection string of that account, instead of its URL",
        secret=True,
    ),
    Setting(
        "DEAD_LETTER_STORAGE_ACCOUNT_URL",
        "the blob endpoint of the account of dead letters, where that is another one",
    ),
    Setting("AUDIT_CONTAINER", "the container of the audit log", "audit"),
    Setting("ACTIVITY_CONTAINER", "the container of the activity log", "activity"),
    Setting(
        "PULL_BUDGET_SECONDS",
        "how long a run of a timer may receive, at most until the next tick",
        "900",
        "s",
        allowed=range(10, 1801),
    ),
    Setting(
        "HANDLER_TIMEOUT_SECONDS",
        "how long a handler may take over one event before the event is released",
        "300",
        "s",
        allowed=range(1, 3601),
    ),
    Setting(
        "PAYLOADS",
        "whether the page and the API show the events' data: " + ", ".join(PAYLOADS),
        "on-request",
    ),
)
BY_NAME = {setting.name: setting for setting in SETTINGS}


class Invalid(Exception):
    """What was given cannot be used; `problems` says where and why."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("; ".join(f"{p.path} {p.problem}" for p in problems))
        self.problems = problems


class SettingsInvalid(Invalid):
    """Settings are missing or malformed; `problems` names each of them."""


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What the environment sets.

    `pull_budget`: seconds in which a run of a timer may receive, at most until the next
    tick. `handler_seconds`: how long a handler may take over one event. Exactly one of
    the two storage settings is set.
    """

    topic: str
    audit_account_url: str | None
    audit_connection_string: str | None
    dead_letter_account_url: str | None
    audit_container: str
    activity_container: str
    pull_budget: int
    handler_seconds: int
    payloads: str

    def __repr__(self) -> str:
        """Show it without its secrets: it may end up in a log line."""
        return f"Settings(topic={self.topic!r}, …)"

    @classmethod
    def from_environ(cls, environ: Mapping[str, str], *, topic: str) -> "Settings":
        """Read the settings in a mapping of environment variables.

        `topic` is the default for EVENTGRID_TOPIC_NAME. Raises SettingsInvalid with
        every problem there is.
        """
        read = _Reader(environ)
        read.check_namespace()
        settings = cls(
            topic=read.name("EVENTGRID_TOPIC_NAME", NAME, default=topic),
            audit_account_url=read.account_url("AUDIT_STORAGE_ACCOUNT_URL"),
            audit_connection_string=read.connection("AUDIT_STORAGE_CONNECTION_STRING"),
            dead_letter_account_url=read.account_url("DEAD_LETTER_STORAGE_ACCOUNT_URL"),
            audit_container=read.name("AUDIT_CONTAINER", CONTAINER),
            activity_container=read.name("ACTIVITY_CONTAINER", CONTAINER),
            pull_budget=read.whole_number("PULL_BUDGET_SECONDS"),
            handler_seconds=read.whole_number("HANDLER_TIMEOUT_SECONDS"),
            payloads=read.one_of("PAYLOADS", PAYLOADS),
        )
        read.check_storage()
        if settings.audit_container == settings.activity_container:
            read.wrong("ACTIVITY_CONTAINER", "is the same as AUDIT_CONTAINER: use two")
        if read.problems:
            raise SettingsInvalid(read.problems)
        return settings


class _Reader:
    """Reads settings from a mapping, and remembers what is wrong with them."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self.problems: list[Problem] = []

    def wrong(self, name: str, problem: str) -> None:
        self.problems.append(Problem(name, problem))

    def _get(self, name: str) -> str:
        return self._environ.get(name, "").strip() or BY_NAME[name].default

    def check_namespace(self) -> None:
        try:
            connection.read(CONNECTION, self._environ)
        except ConnectionInvalid as error:
            self.problems += connection_problems(error, self._environ)

    def name(self, name: str, pattern: re.Pattern[str], default: str = "") -> str:
        value = self._get(name) or default
        if not pattern.match(value):
            self.wrong(name, f"must match {pattern.pattern.removesuffix('\\Z')}")
        return value

    def account_url(self, name: str) -> str | None:
        value = self._get(name)
        if value and ((address := split(value)) is None or address[0] != "https"):
            example = "https://<account>.blob.core.windows.net"
            self.wrong(name, f"must be the account's blob endpoint, as {example}")
        return value or None

    def connection(self, name: str) -> str | None:
        value = self._get(name)
        if value:
            # Imported here because it costs 200 ms, and in Azure there is none to check.
            from eventgrid_pull.blob.blob_client import problem_of

            if wrong := problem_of(value):
                self.wrong(name, wrong)
        return value or None

    def whole_number(self, name: str) -> int:
        allowed = BY_NAME[name].allowed
        number = whole_number(self._get(name), allowed)
        if number is None:
            self.wrong(name, must_be(allowed))
        return number or allowed[0]

    def one_of(self, name: str, allowed: tuple[str, ...]) -> str:
        value = self._get(name)
        if value not in allowed:
            self.wrong(name, f"must be one of: {', '.join(allowed)}")
        return value

    def check_storage(self) -> None:
        names = ("AUDIT_STORAGE_ACCOUNT_URL", "AUDIT_STORAGE_CONNECTION_STRING")
        given = [name for name in names if self._get(name)]
        if not given:
            self.wrong(names[0], f"is not set, and neither is {names[1]}: set one")
        if len(given) == len(names):
            self.wrong(names[0], f"is set, and so is {names[1]}: set only one")


def connection_problems(
    error: ConnectionInvalid, environ: Mapping[str, str]
) -> list[Problem]:
    """Return what is wrong with the namespace's settings, by their names here."""
    ours = {other: name for name, other in OTHERWISE.items()}
    split = (problem.split(" ", 1) for problem in error.problems)
    return [
        Problem(name if name in environ else ours.get(name, name), problem)
        for name, problem in split
    ]


def spelled(name: str, environ: Mapping[str, str]) -> str:
    """Return the name that a setting is given by; its own when it is not given."""
    other = OTHERWISE.get(name, name)
    return other if environ.get(other, "").strip() else name


def whole_number(value: str, allowed: range) -> int | None:
    """Return the whole number in the text; None when it is not allowed."""
    number = int(value) if re.fullmatch(r"[0-9]{1,9}", value) else -1
    return number if number in allowed else None


def number_or_default(name: str, environ: Mapping[str, str]) -> int:
    """Return a setting that is a whole number; its default where it is wrong."""
    setting = BY_NAME[name]
    given = environ.get(name, "").strip() or setting.default
    found = whole_number(given, setting.allowed)
    return int(setting.default) if found is None else found


def must_be(allowed: range) -> str:
    """Return what a whole number must be, as the rest of a sentence."""
    return f"must be a whole number from {allowed[0]} to {allowed[-1]}"

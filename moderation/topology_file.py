"""What topology.json may hold and what it means, with everything that is wrong in it.

Bicep and the emulator read the same file: `tests/topology-cases.json` holds all three to
one meaning. A key that is null is as good as missing, and has its default.
"""

import re
from collections.abc import Iterator, Mapping, Sequence

from eventgrid_pull.events.cloudevents import Problem
from moderation import relaxed_json
from moderation.filters.declared import REMARKS
from moderation.settings import CONTAINER, NAME

DAY = 86_400
LOCK_SECONDS = range(60, 301)
DELIVERIES = range(1, 11)
RETENTION_DAYS = range(1, 8)
MOST_SUBSCRIPTIONS = 500
NAMES = "3 to 50 letters, digits or hyphens"
CONTAINERS = "3 to 63 lower-case letters, digits and single hyphens"
TOPIC_KEYS = (
    "topic",
    "eventRetentionInDays",
    "deadLetterContainer",
    "eventSubscriptions",
)
SUBSCRIPTION_KEYS = (
    "name",
    "receiveLockDurationInSeconds",
    "maxDeliveryCount",
    "eventTimeToLive",
    "filtersConfiguration",
)
FILTER_KEYS = ("includedEventTypes", "filters")
# Azure takes no weeks and no fractions, and a month for 30 days, which nobody means.
_DURATION = re.compile(
    r"P(?=.)(?:(\d{1,9})D)?(?:T(?=.)(?:(\d{1,9})H)?(?:(\d{1,9})M)?(?:(\d{1,9})S)?)?\Z",
    re.ASCII,
)

NO_OBJECT = "must be a JSON object"

type Json = dict[str, object]


def read(raw: bytes) -> tuple[Json, list[Problem]]:
    """Return what the file declares, with every default, and all that is wrong in it."""
    try:
        document = relaxed_json.decode(raw)
    except ValueError as error:
        return {}, [Problem("", f"is not valid JSON: {error}")]
    if not isinstance(document, dict):
        return {}, [Problem("", NO_OBJECT)]
    problems: list[Problem] = []
    topic = _Part(document, "", TOPIC_KEYS, problems)
    days = topic.whole_number("eventRetentionInDays", RETENTION_DAYS, 7)
    listed = topic.items("eventSubscriptions")
    if len(listed) > MOST_SUBSCRIPTIONS:
        topic.wrong("eventSubscriptions", f"may be at most {MOST_SUBSCRIPTIONS}")
    container = topic.text("deadLetterContainer", CONTAINER, CONTAINERS, "dead-letters")
    return {
        "topic": topic.text("topic", NAME, NAMES),
        "eventRetentionInDays": days,
        "deadLetterContainer": container,
        "eventSubscriptions": list(_subscriptions(listed, days * DAY, problems)),
    }, problems


def seconds(duration: str) -> int | None:
    """Return the length of an ISO 8601 duration of days and less; None when invalid."""
    match = _DURATION.match(duration)
    if match is None:
        return None
    days, hours, minutes, rest = (int(part or 0) for part in match.groups())
    return days * DAY + hours * 3600 + minutes * 60 + rest


class _Part:
    """One object of the file, whose keys are read; what is wrong is noted with its place."""

    def __init__(
        self,
        value: Mapping[str, object],
        where: str,
        known: Sequence[str],
        problems: list[Problem],
    ) -> None:
        self._where = where
        self._problems = problems
        for key in sorted(value.keys() - {*known, *REMARKS}):
            self.wrong(key, f"is unknown; known are {', '.join(known)}")
        self._found = {
            key: member for key, member in value.items() if member is not None
        }

    def wrong(self, key: str, problem: str) -> None:
        """Note a problem with a key."""
        path = f"{self._where}: {key}" if self._where else key
        self._problems.append(Problem(path, problem))

    def get(self, key: str) -> object:
        """Return what is there; None for null and for nothing."""
        return self._found.get(key)

    def whole_number(self, key: str, allowed: range, default: int) -> int:
        """Return the number; its default where it is missing, or wrong."""
        value = self._found.get(key, default)
        match value:
            case bool():
                pass
            case int() | float() if value in allowed:  # 5.0 is 5
                return int(value)
        limits = f"{allowed[0]} to {allowed[-1]}"
        self.wrong(key, f"is {value!r}, and may be a whole number from {limits}")
        return default

    def text(
        self, key: str, pattern: re.Pattern[str], allowed: str, default: str = ""
    ) -> str:
        """Return the text; its default where it is missing, or wrong."""
        value = self._found.get(key, default)
        if isinstance(value, str) and pattern.match(value):
            return value
        was = f"is {value!r}, and" if key in self._found else "is missing, and"
        self.wrong(key, f"{was} must be {allowed}")
        return default

    def items(self, key: str) -> list[object]:
        """Return the list; an empty one where it is missing, or wrong."""
        value = self._found.get(key, [])
        if isinstance(value, list):
            return value
        self.wrong(key, "must be a list")
        return []


def _subscriptions(
    listed: list[object], retention: int, problems: list[Problem]
) -> Iterator[Json]:
    seen: set[str] = set()
    for place, declared in enumerate(listed, start=1):
        where = f"eventSubscriptions {place}"
        if not isinstance(declared, dict):
            problems.append(Problem(where, NO_OBJECT))
            continue
        name = declared.get("name")
        if isinstance(name, str) and NAME.match(name):
            where = name
        part = _Part(declared, where, SUBSCRIPTION_KEYS, problems)
        name = part.text("name", NAME, NAMES)
        if name and name.lower() in seen:
            part.wrong("name", "is declared twice")
        seen.add(name.lower())
        yield {
            "name": name,
            **_limits(part, retention),
            **_filters(part, where, problems),
        }


def _limits(part: _Part, retention: int) -> Json:
    lock = part.whole_number("receiveLockDurationInSeconds", LOCK_SECONDS, 60)
    lives = part.get("eventTimeToLive")
    if lives is None:
        lives = f"P{retention // DAY}D"
    length = seconds(lives) if isinstance(lives, str) else None
    if length is None:
        problem = (
            "and must be days, hours, minutes and seconds in ISO 8601, as P1D or PT12H"
        )
        part.wrong("eventTimeToLive", f"is {lives!r}, {problem}")
    elif not max(60, lock) <= length <= retention:
        part.wrong(
            "eventTimeToLive",
            f"is {lives}, and may be from PT1M and the lock duration ({lock} s) up to "
            f"eventRetentionInDays ({retention // DAY})",
        )
    return {
        "receiveLockDurationInSeconds": lock,
        "maxDeliveryCount": part.whole_number("maxDeliveryCount", DELIVERIES, 10),
        "eventTimeToLive": lives,
    }


def _filters(part: _Part, where: str, problems: list[Problem]) -> Json:
    configuration = part.get("filtersConfiguration")
    if configuration is None:
        configuration = {}
    if not isinstance(configuration, dict):
        part.wrong("filtersConfiguration", NO_OBJECT)
        configuration = {}
    inner = _Part(configuration, where, FILTER_KEYS, problems)
    included, clauses = inner.items("includedEventTypes"), inner.items("filters")
    if not all(isinstance(name, str) for name in included):
        inner.wrong("includedEventTypes", "must be a list of text")
    if clauses:
        # Imported here because event types alone need none of it at a cold start.
        from moderation.filters.rules import filter_problems

        for place, problem in filter_problems(clauses):
            inner.wrong(place, problem)
    return {
        "filtersConfiguration": {
            "includedEventTypes": included or None,
            "filters": [
                _without_nulls(clause) for clause in clauses if isinstance(clause, dict)
            ],
        }
    }


def _without_nulls(clause: Json) -> Json:
    """Return a filter without what is null, which is as good as missing."""
    return {key: value for key, value in clause.items() if value is not None}

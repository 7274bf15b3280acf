"""The values of a query string, checked all at once."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from moderation.audit import Query
from moderation.cloudevents import Problem

DISPOSITIONS = ("acknowledge", "release", "reject")
LONGEST_LOOK_BACK = timedelta(days=31)
DAY = timedelta(days=1)


class BadQuery(Exception):
    """A name or value of the query is not one that is allowed."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("; ".join(f"{p.path} {p.problem}" for p in problems))
        self.problems = problems


class Values:
    """Reads a query string's values, and remembers what is wrong with them."""

    def __init__(self, params: Mapping[str, str], allowed: Sequence[str]) -> None:
        self._params = params
        # `code` is a function key: the host has read it already.
        unknown = [name for name in params if name not in (*allowed, "code")]
        self.problems = [
            Problem(name, f"is not one of: {', '.join(allowed)}") for name in unknown
        ]

    def text(self, name: str) -> str | None:
        """The value as it is; None when absent."""
        return self._params.get(name) or None

    def one_of(self, name: str, allowed: Sequence[str]) -> str | None:
        """The value, if it is allowed."""
        value = self.text(name)
        if value is not None and value not in allowed:
            self.problems.append(Problem(name, f"is not one of: {', '.join(allowed)}"))
            return None
        return value

    def number(self, name: str, default: int, allowed: range) -> int:
        """A whole number in a range."""
        value = self.text(name) or str(default)
        if not (value.isascii() and value.isdigit() and len(value) < 10) or (
            int(value) not in allowed
        ):
            limits = f"{allowed[0]} to {allowed[-1]}"
            self.problems.append(Problem(name, f"must be a whole number {limits}"))
            return default
        return int(value)

    def moment(self, name: str, default: datetime) -> datetime:
        """A time with its zone, as ISO 8601 writes it."""
        value = self.text(name)
        if value is None:
            return default
        try:
            # A `+` that was not escaped arrives as a space.
            moment = datetime.fromisoformat(value.replace(" ", "+"))
            if moment.tzinfo is not None:
                return moment.astimezone(UTC)
        except (ValueError, OverflowError):
            pass  # said below
        example = "2026-01-31T12:00:00Z"
        self.problems.append(Problem(name, f"must be a time as {example}"))
        return default

    def check(self) -> None:
        """Raises BadQuery when anything was wrong."""
        if self.problems:
            raise BadQuery(self.problems)


def audit_query(
    params: Mapping[str, str], subscriptions: Sequence[str], now: datetime
) -> Query:
    """Which audit entries are asked for: by default the newest 100 of the last day.

    With an id, of the last 31 days.
    Raises BadQuery.
    """
    names = ("subscription", "disposition", "type", "id", "since", "limit")
    values = Values(params, names)
    # An event that is asked for by its id may be old; a list begins with today.
    default = LONGEST_LOOK_BACK if values.text("id") else DAY
    since = values.moment("since", now - default)
    if since < now - LONGEST_LOOK_BACK:
        days = LONGEST_LOOK_BACK.days
        values.problems.append(Problem("since", f"is more than {days} days ago"))
    chosen = values.one_of("subscription", subscriptions)
    query = Query(
        since=since,
        until=now,
        subscriptions=[chosen] if chosen else subscriptions,
        disposition=values.one_of("disposition", DISPOSITIONS),
        type=values.text("type"),
        id=values.text("id"),
        limit=values.number("limit", 100, range(1, 1001)),
    )
    values.check()
    return query

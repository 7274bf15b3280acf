"""Dead letters as Event Grid writes them: what is in one of their blobs.

The service's documents show four shapes, and say of none that it is the one. All are
read: a list of them or a single one; the event in `event`, or at the top level beside
`deadletterproperties`; these under `brokerProperties`, too; names in any case; and
whatever else comes along. What cannot be read is a dead letter all the same, one that
says so: it must not disappear from a list because it is odd.
"""

from datetime import UTC, datetime

import msgspec

from eventgrid_pull import AnyEvent
from moderation import events

# As many bytes of a blob are read; Event Grid and the emulator stay far below.
BLOB_BYTES = 32 * 1024 * 1024
TEXT_CHARACTERS = 500
# A time of another year says that there is none: .NET writes one of year 1 for that.
YEARS = range(1970, 2300)


class DeadLetterProperties(msgspec.Struct, frozen=True, kw_only=True):
    """What Event Grid says of a dead letter; None where it says nothing.

    How often it was delivered, when it was published and last delivered (UTC).
    """

    reason: str | None = None
    attempts: int | None = None
    result: str | None = None
    published_at: datetime | None = None
    last_attempt_at: datetime | None = None


class DeadLetter(msgspec.Struct, frozen=True, kw_only=True):
    """One dead-lettered event; `index` is its position in its blob, from 0.

    `raw` is the event's JSON, `event` the same read. Where `unreadable` says what is
    wrong, there is no event, and `raw` is what was found in its place.
    """

    index: int
    raw: bytes
    event: AnyEvent | None = None
    unreadable: str | None = None
    properties: DeadLetterProperties = DeadLetterProperties()


def read(content: bytes) -> list[DeadLetter]:
    """Read the dead letters in a blob, at least one. Never raises."""
    if len(content) >= BLOB_BYTES:
        problem = f"larger than the {BLOB_BYTES:,} bytes that are read of a blob"
        return [DeadLetter(index=0, raw=b"", unreadable=problem)]
    content = content.removeprefix(b"\xef\xbb\xbf")
    try:
        items = _items.decode(content)
    except (ValueError, RecursionError) as error:
        problem = f"not a list of dead letters, nor one: {error}"
        return [DeadLetter(index=0, raw=content, unreadable=problem)]
    if not isinstance(items, list):
        items = [msgspec.Raw(content)]
    if not items:
        return [DeadLetter(index=0, raw=content, unreadable="an empty list")]
    return [_dead_letter(index, bytes(item)) for index, item in enumerate(items)]


def _dead_letter(index: int, item: bytes) -> DeadLetter:
    try:
        members = _members.decode(item)
    except (ValueError, RecursionError) as error:
        return DeadLetter(index=index, raw=item, unreadable=f"not an object: {error}")
    properties = _properties(members)
    raw = _event(members)
    if raw is None:
        problem = "neither an event nor an object with one in `event`"
        return DeadLetter(
            index=index, raw=item, unreadable=problem, properties=properties
        )
    return DeadLetter(
        index=index, raw=raw, event=events.read(raw), properties=properties
    )


def _event(members: dict[str, msgspec.Raw]) -> bytes | None:
    """Return the event that is wrapped, or the members that make up one."""
    for name, value in members.items():
        if name.lower() == "event" and bytes(value).lstrip().startswith(b"{"):
            return bytes(value).strip()
    kept = {name: raw for name, raw in members.items() if name.lower() not in _WRAPPING}
    if kept.keys().isdisjoint(("specversion", "source", "type", "data", "data_base64")):
        return None
    return msgspec.json.encode(kept)


def _properties(members: dict[str, msgspec.Raw]) -> DeadLetterProperties:
    """Return what Event Grid says of the event, as far as it can be read."""
    found: dict[str, object] = {}
    for name, value in members.items():
        if name.lower() in _PROPERTIES:
            found |= _lower_names(bytes(value))
    return DeadLetterProperties(
        reason=_text(found.get("deadletterreason")),
        attempts=_count(found.get("deliveryattempts")),
        result=_text(found.get("deliveryresult")),
        published_at=_moment(found.get("publishutc")),
        last_attempt_at=_moment(found.get("deliveryattemptutc")),
    )


def _lower_names(raw: bytes) -> dict[str, object]:
    try:
        return {name.lower(): value for name, value in _plain.decode(raw).items()}
    except (ValueError, RecursionError):
        return {}


def _text(value: object) -> str | None:
    if not isinstance(value, str):
        return None
    cut = len(value) > TEXT_CHARACTERS
    return value[:TEXT_CHARACTERS] + "…" if cut else value


def _count(value: object) -> int | None:
    try:
        count = msgspec.convert(value, int, strict=False)
    except (msgspec.ValidationError, OverflowError):
        return None
    return count if 0 <= count < 2**31 else None


def _moment(value: object) -> datetime | None:
    try:
        moment = msgspec.convert(value, datetime)
    except (msgspec.ValidationError, OverflowError):
        return None
    if moment.year not in YEARS:
        return None
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


_PROPERTIES = ("deadletterproperties", "brokerproperties")
_WRAPPING = (*_PROPERTIES, "customdeliveryproperties")
_items = msgspec.json.Decoder(list[msgspec.Raw] | dict[str, msgspec.Raw])
_members = msgspec.json.Decoder(dict[str, msgspec.Raw])
_plain = msgspec.json.Decoder(dict[str, object])

"""The answer to a receive, read so that no event strands the lock tokens of others."""

import logging

import msgspec

from eventgrid_pull.event import UNREADABLE, Decode, Delivery
from eventgrid_pull.wire import nested
from eventgrid_pull.wire.http_retry import EventGridError

_log = logging.getLogger(__name__)


# Here `gc=False` spares the collector what cannot be part of a cycle.
class _BrokerProperties(msgspec.Struct, rename="camel", gc=False):
    lock_token: str
    delivery_count: int | None = 1


class _Item(msgspec.Struct, rename="camel", gc=False):
    broker_properties: _BrokerProperties
    event: msgspec.Raw = msgspec.Raw(b"null")


class _Whole(msgspec.Struct):
    value: list[_Item]


class _InParts(msgspec.Struct):
    value: list[msgspec.Raw]


_whole = msgspec.json.Decoder(_Whole)
_in_parts = msgspec.json.Decoder(_InParts)
_items = msgspec.json.Decoder(_Item)


def deliveries(content: bytes, decode: Decode) -> list[Delivery]:
    """Return what was received; what cannot be read is delivered as MalformedEvent.

    An item that names no lock token is left out. Raises EventGridError when the whole
    is not readable.
    """
    return [
        Delivery(
            item.broker_properties.lock_token,
            decode(bytes(item.event), item.broker_properties.delivery_count or 1),
        )
        for item in _items_of(content)
    ]


def _items_of(content: bytes) -> list[_Item]:
    try:
        return _whole.decode(content).value
    except UNREADABLE:
        pass  # one item at least is not as it should be: read each on its own
    content, deep = nested.set_apart(content)
    try:
        items = _in_parts.decode(content).value
    except UNREADABLE as error:
        message = f"Event Grid's answer to receive is not readable: {error}"
        raise EventGridError(message) from error
    found = [read for item in items if (read := _item(item)) is not None]
    for item in found:
        item.event = msgspec.Raw(deep.get(bytes(item.event), item.event))
    return found


def _item(item: msgspec.Raw) -> _Item | None:
    try:
        return _items.decode(item)
    except UNREADABLE as error:
        _log.warning("received an item that cannot be settled: %s", error)
        return None

"""One event that is nested too deep to be read does not cost its neighbours."""

import msgspec
import pytest

from eventgrid_pull.event import Delivery, MalformedEvent
from eventgrid_pull.wire import nested
from eventgrid_pull.wire.receive_response import deliveries
from tests.eventgrid_pull.orders import read

DEPTH = 200_000  # a hundredth of what Event Grid's megabyte has room for would do


def item(token: str, event: bytes) -> bytes:
    lent = b'{"lockToken":"%s","deliveryCount":1}' % token.encode()
    return b'{"brokerProperties":%s,"event":%s}' % (lent, event)


def deep(opens: bytes = b"[", closes: bytes = b"]", inside: bytes = b"") -> bytes:
    return b'{"id":"2","data":%s}' % (opens * DEPTH + inside + closes * DEPTH)


def received(*items: bytes) -> list[Delivery]:
    content = b'{"value": [%s]}' % b",\n".join(items)
    return deliveries(content, read)


@pytest.mark.parametrize(
    "event",
    [
        deep(),
        deep(b'{"a":', b"}", b"1"),
        deep(inside=rb'"\"]}"'),
        b"[" * DEPTH + b"]" * DEPTH,
    ],
)
def test_an_event_that_is_nested_too_deep_is_malformed_alone(event: bytes) -> None:
    """Its lock token is known, and so are those of the others."""
    plain = rb'{"id":"1","note":"}]\\"}'

    found = received(item("a", plain), item("b", event), item("c", plain))

    assert [delivery.lock_token for delivery in found] == ["a", "b", "c"]
    assert [delivery.raw for delivery in found] == [plain, event, plain]
    assert isinstance(found[1].event, MalformedEvent)


def test_what_can_be_read_is_left_as_it_is() -> None:
    """Brackets in strings are no brackets."""
    content = rb'{"value":[{"event":{"a":"[[[\"[","b":[[1]]}}]}'

    assert nested.set_apart(content) == (content, {})


def test_it_is_kept_on_record_as_text() -> None:
    """Whoever reads the record could not read it either."""
    [delivery] = received(item("b", deep()))

    assert msgspec.json.decode(delivery.line) == deep().decode()

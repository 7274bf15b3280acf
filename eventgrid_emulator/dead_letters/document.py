"""A dead letter: its document, and the path of its blob."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec

from eventgrid_emulator.queue.entries import DeadLetterReason, Undeliverable

_encode = msgspec.json.encode
_REASONS = {
    DeadLetterReason.MAX_DELIVERIES: (
        "Maximum delivery attempts was exceeded.",
        "Event was not acknowledged nor rejected.",
    ),
    DeadLetterReason.REJECTED: ("Event was rejected.", "Event was rejected."),
    DeadLetterReason.EXPIRED: (
        "Time to live was exceeded.",
        "Event was not acknowledged nor rejected.",
    ),
}


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A document, and the path of the blob that it belongs in, container first.

    The name of the blob is chosen with the dead letter and stored with it: whoever
    writes it a second time, after a kill or an answer that was lost, writes the same.
    """

    id: int
    blob: str
    since: float
    document: bytes

    @property
    def place(self) -> tuple[str, str]:
        """Return the names of its topic and event subscription."""
        _, _, topic, subscription, *_ = self.blob.split("/")
        return topic, subscription


def document(item: Undeliverable, to_machine_time: Callable[[float], float]) -> bytes:
    """Return one item of the array that a dead-letter blob holds."""
    reason, result = _REASONS[item.reason]
    properties = _encode(
        {
            "deadletterreason": reason,
            "deliveryattempts": item.count,
            "deliveryresult": result,
            "publishutc": stamp(to_machine_time(item.event.published)),
            "deliveryattemptutc": stamp(to_machine_time(item.last_attempt)),
        }
    )
    return b'{"deadLetterProperties":%b,"event":%b}' % (properties, item.event.body)


def stamp(seconds: float) -> str:
    """Return a UTC time with seven digits and `Z`, as the service writes it."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f0Z")


def blob_name(subscription_path: str, now: float) -> str:
    """Return `<subscription_path>/<y>/<m>/<d>/<h>/<guid>.json`, numbers not padded."""
    at = datetime.fromtimestamp(now, UTC)
    hour = f"{at.year}/{at.month}/{at.day}/{at.hour}"
    return f"{subscription_path}/{hour}/{uuid.uuid4()}.json"

"""Moderation events of about 1 KB, as many as a bench wants."""

import itertools
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

PREFIX = "com.contoso.ai."
FLAGGED, APPROVED = PREFIX + "ContentFlagged", PREFIX + "ContentApproved"
WHEN = "2026-01-31T12:00:00.000000Z"
# A thousand events, with the commas between them, fill one publish request.
EXCERPT = "x" * 480


def clock() -> datetime:
    """Return the moment on the machine's clock."""
    return datetime.now(UTC)  # noqa: TID251 - the edge that owns the clock


def event(number: int, kind: str = FLAGGED, time: str = WHEN) -> dict[str, Any]:
    """Return one event; every fourth is of high severity, none contradicts itself."""
    flagged = kind == FLAGGED
    return {
        "specversion": "1.0",
        "id": f"{number:036d}",
        "source": "/services/content-moderation",
        "type": kind,
        "subject": f"/content/img-{number:08d}",
        "time": time,
        "datacontenttype": "application/json",
        "data": {
            "contentId": f"img-{number:08d}",
            "contentType": "image",
            "modelName": "vision-moderator-v3",
            "modelVersion": "3.2.1",
            "confidence": 0.9,
            "category": "violence" if flagged else "safe",
            "severity": "high" if number % 4 == 0 else "low",
            "reviewRequired": flagged,
            "timestamp": time,
            "excerpt": EXCERPT,
        },
    }


def bodies(
    numbers: Iterable[int],
    kinds: Sequence[str] = (FLAGGED,),
    time: str = WHEN,
    size: int = 1000,
) -> list[bytes]:
    """Return publish requests of so many events, of these kinds in turns."""
    return [
        msgspec.json.encode(
            [event(number, kinds[number % len(kinds)], time) for number in batch]
        )
        for batch in itertools.batched(numbers, size, strict=False)
    ]

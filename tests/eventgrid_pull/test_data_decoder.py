"""Data that does not fit its type is told by place and rule, and stops nothing else."""

import json
from dataclasses import dataclass
from typing import Literal

import msgspec
import pydantic
import pytest

from eventgrid_pull import Acknowledge, Event, EventGridPull, MalformedEvent, testing
from eventgrid_pull.event import AnyEvent
from eventgrid_pull.events.event_decoder import decoder

TICK = "0 * * * * *"


class Coin(msgspec.Struct):
    """Money with a check of its own."""

    currency: Literal["eur", "usd"] = "eur"
    cents: int = 0

    def __post_init__(self) -> None:
        if self.cents < 0:
            raise ValueError(f"SECRET {self.cents}")
        if self.cents > 99:
            raise KeyError(f"SECRET {self.cents}")


@dataclass
class Note:
    """The same as a dataclass."""

    currency: Literal["eur", "usd"] = "eur"
    cents: int = 0

    def __post_init__(self) -> None:
        if self.cents < 0:
            raise ValueError(f"SECRET - at `$ {self.cents}")


class Model(pydantic.BaseModel):
    """The same by Pydantic."""

    currency: Literal["eur", "usd"] = "eur"
    cents: int = 0

    @pydantic.field_validator("cents")
    @classmethod
    def check(cls, cents: int) -> int:
        """Refuse what no coin has."""
        if cents > 99:
            raise KeyError(f"SECRET {cents}")
        if cents < 0:
            raise ValueError(f"SECRET {cents}")
        return cents


def decoded(kind: object, data: object) -> AnyEvent:
    event = testing.event("com.shop.Paid", data)
    return decoder(kind)(json.dumps(event).encode(), 1)


@pytest.mark.parametrize("kind", [Coin, Note, Model, list[Coin]])
@pytest.mark.parametrize(
    "wrong",
    [
        {"currency": "SECRET"},
        {"currency": "it's SECRET"},
        {"currency": '"it\'s" SECRET'},
        {"currency": "a - at `$.SECRET"},
        {"currency": "a\nSECRET"},
        {"cents": "SECRET"},
        {"cents": -5},
    ],
)
def test_a_reason_has_no_value(kind: object, wrong: dict[str, object]) -> None:
    """However the value is spelled, and whatever the type's own check says of it."""
    event = decoded(kind, [wrong] if kind == list[Coin] else wrong)

    assert isinstance(event, MalformedEvent)
    assert "$.data" in event.reason
    assert "SECRET" not in event.reason
    assert "-5" not in event.reason


@pytest.mark.parametrize("kind", [Coin, Model])
async def test_a_check_that_trips_costs_its_own_event_only(kind: type) -> None:
    """It is rejected, and what was received with it is handled."""
    pull = EventGridPull(topic="orders", environ={})

    async def keep(event: Event[object]) -> None: ...

    keep.__annotations__["event"] = Event[kind]  # type: ignore[valid-type]
    pull.subscription("sub-paid", schedule=TICK)(keep)
    events = [testing.event("com.shop.Paid", {"cents": cents}) for cents in (100, 5)]

    tripped, fine = await testing.handle(pull, "sub-paid", *events)

    assert tripped.reason == "the decoder failed: KeyError"
    assert fine == Acknowledge()

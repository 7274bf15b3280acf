"""Data that does not fit its type is reported by place and rule, and stops nothing else."""

import json
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Optional

import azure.functions as func
import msgspec
import pydantic
import pytest

from eventgrid_pull import (
    Acknowledge,
    Event,
    EventGridPull,
    MalformedEvent,
    PullInvalid,
    testing,
)
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


class Plain:
    """A class that no decoder knows, as one that forgot its base."""

    cents: int


class Nested(msgspec.Struct):
    """One of whose members nothing can decode."""

    children: "list[Nested]"
    coins: dict[str, Plain | None] = {}


def taking(kind: object, **options: Any) -> EventGridPull:
    pull = EventGridPull(topic="orders", environ={})

    async def keep(event: Event[object]) -> None: ...

    keep.__annotations__["event"] = Event[kind]  # type: ignore[valid-type]
    pull.subscription("sub-paid", schedule=TICK, **options)(keep)
    return pull


@pytest.mark.parametrize("kind", [Plain, list[Plain], Plain | None, Nested, complex])
def test_a_type_that_no_event_can_fit_is_refused(kind: object) -> None:
    """Or every event would be a dead letter; a decoder of one's own may make it."""
    with pytest.raises(PullInvalid, match="cannot be read: nothing decodes <class"):
        func.FunctionApp().register_functions(taking(kind))

    func.FunctionApp().register_functions(taking(kind, decode=decoder(dict)))


@pytest.mark.parametrize(
    "kind", [object, Any, dict[str, object], dict[str, Any], dict], ids=str
)
def test_whatever_an_event_has_may_be_taken(kind: object) -> None:
    """By whoever wants no type."""
    func.FunctionApp().register_functions(taking(kind))

    event = decoded(kind, {"cents": 5})
    assert isinstance(event, Event)
    assert event.data == {"cents": 5}


class Other(pydantic.BaseModel):
    """Another model."""

    name: str


type Either = Model | Other


@pytest.mark.parametrize(
    "kind",
    [Model, Model | None, Optional[Model], Annotated[Model | Other, "either"], Either],  # noqa: UP045 - as people write it
)
def test_a_model_is_found_however_it_is_written(kind: object) -> None:
    """In a union, an alias or what is annotated."""
    event = decoded(kind, {"cents": 5})

    assert isinstance(event, Event)
    assert event.data == Model(cents=5)


class Prices(pydantic.BaseModel):
    """A model with keys that are data, and a model within."""

    of: dict[str, int] = {}
    paid: list[Model] = []


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        ({"of": {"SECRET": "x"}}, "$.data.of[...] int_parsing"),
        ({"paid": [{}, {"cents": "x"}]}, "$.data.paid[1].cents int_parsing"),
        ({"of": 1}, "$.data.of dict_type"),
    ],
)
def test_a_model_is_told_by_the_names_of_its_members(
    data: object, problem: str
) -> None:
    """A key of a dict may be somebody's address: it is a value, too."""
    event = decoded(Prices, data)

    assert isinstance(event, MalformedEvent)
    assert event.reason == f"not the data of 'com.shop.Paid': {problem}"


@pytest.mark.parametrize("kind", [Coin, Model])
async def test_a_check_that_trips_costs_its_own_event_only(kind: type) -> None:
    """It is rejected, and what was received with it is handled."""
    pull = taking(kind)
    events = [testing.event("com.shop.Paid", {"cents": cents}) for cents in (100, 5)]

    tripped, fine = await testing.handle(pull, "sub-paid", *events)

    assert tripped.reason == "the decoder failed: KeyError"
    assert fine == Acknowledge()

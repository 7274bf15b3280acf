"""What is wrong with a declaration is said at once: code at import, settings by name."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import azure.functions as func
import msgspec
import pytest

from eventgrid_pull import (
    Acknowledge,
    Event,
    EventGridPull,
    MalformedEvent,
    PullInvalid,
    Reject,
    testing,
)
from eventgrid_pull.recorder import NoRecorder
from tests.eventgrid_pull.orders import Paid

TICK = "0 * * * * *"


class Other(msgspec.Struct):
    """What is no order."""

    name: str


def registered(pull: EventGridPull) -> list[str]:
    app = func.FunctionApp()
    app.register_functions(pull)
    return sorted(str(function.get_function_name()) for function in app.get_functions())


def declaring(environ: dict[str, str] | None = None, **options: Any) -> EventGridPull:
    """A pull with one declaration, with these arguments."""
    pull = EventGridPull(topic="orders", environ=environ or {})

    @pull.subscription("sub-paid", **({"schedule": TICK} | options))
    def paid(event: Event[Paid]) -> None: ...

    return pull


def test_each_lane_is_a_function_and_the_handler_comes_back_unchanged() -> None:
    """So that it can be called in a test as what it is."""
    pull = EventGridPull(topic="orders", environ={"PAID_LANES": "2"})

    @pull.subscription("sub-paid", schedule=TICK, lanes="%PAID_LANES%")
    def paid(event: Event[Paid]) -> Reject:
        return Reject("never")

    assert registered(pull) == ["pull_paid", "pull_paid_2"]
    assert paid(Event("1", "/shop", "com.shop.Paid", Paid("o1", 1))) == Reject("never")


def test_a_function_may_have_a_name_of_its_own() -> None:
    """And its further lanes after it."""
    assert registered(declaring(name="take", lanes=2)) == ["take", "take_2"]


IN_SETTINGS = [
    ({"schedule": "%EVERY%"}, {}, "schedule (EVERY) is not set"),
    ({"schedule": "%EVERY%"}, {"EVERY": " "}, "schedule (EVERY) is not set"),
    ({"schedule": "%EVERY%"}, {"EVERY": "TICK"}, "schedule (EVERY) "),
    ({"lanes": "%N%"}, {}, "lanes (N) is not set: a whole number from 1 to 16"),
    ({"lanes": "%N%"}, {"N": "many"}, "lanes (N) must be a whole number from 1 to 16"),
    ({"lanes": "%N%"}, {"N": "0"}, "lanes (N) must be"),
    ({"lanes": "%N%"}, {"N": "1.5"}, "lanes (N) must be"),
    ({"concurrency": "%N%"}, {"N": "-1"}, "concurrency (N) must be"),
    ({"budget": "%N%"}, {"N": "5"}, "budget (N) must be"),
    ({"manner": "%M%"}, {"M": "linger"}, "manner (M) must be one of: visit, stay"),
    ({"manner": "%M%"}, {}, "manner (M) must be one of: visit, stay"),
    ({"pace": "%P%"}, {"P": "-1"}, "pace (P) must be seconds from 0 to 60, as 0.8"),
    ({"pace": "%P%"}, {"P": "1e1"}, "pace (P) must be seconds from 0 to 60"),
    ({"pace": "%P%"}, {"P": "61"}, "pace (P) must be seconds from 0 to 60"),
    ({"timeout": "%N%"}, {"N": "3601"}, "timeout (N) must be"),
    ({"lock_duration": "%N%"}, {"N": "59"}, "lock_duration (N) must be"),
    ({"max_delivery_count": "%N%"}, {"N": "11"}, "max_delivery_count (N) must be"),
    (
        {"timeout": "%N%", "budget": 3600},
        {"N": "3600"},
        "timeout is 3600 s and lock_duration 60 s: a lock can be renewed for an hour",
    ),
    ({"problems": ["sub-paid is not ours"]}, {}, "sub-paid is not ours"),
]


@pytest.mark.parametrize(("options", "environ", "words"), IN_SETTINGS)
def test_a_wrong_setting_puts_that_event_subscription_in_error(
    options: dict[str, Any], environ: dict[str, str], words: str
) -> None:
    """The others are pulled, and status says what is wrong."""
    pull = declaring(environ, **options)

    @pull.subscription("sub-well", schedule=TICK)
    def well(event: Event[Paid]) -> None: ...

    assert registered(pull) == ["pull_well"]
    problems = {status.name: list(status.problems) for status in pull.status()}
    assert problems["sub-well"] == []
    [problem] = problems["sub-paid"]
    assert problem.startswith(words)


@pytest.mark.parametrize(
    ("schedule", "gap"),
    [
        ("0 * * * * *", 60),
        ("0 */7 * * * *", 420),
        ("0 0,1 * * * *", 3540),
        ("0 * 8-18 * * *", 46_860),
        ("0 * * * * MON-FRI", 172_860),
        ("00:01:30", 90),
    ],
)
def test_a_budget_that_ends_a_stay_too_soon_is_logged(
    caplog: pytest.LogCaptureFixture, schedule: str, gap: int
) -> None:
    """It is pulled all the same, for as long as that; the longest gap counts."""
    environ = {"M": "stay", "B": "60", "S": schedule}
    pull = declaring(environ, manner="%M%", budget="%B%", schedule="%S%")

    assert registered(pull) == ["pull_paid"]
    assert f"up to {gap} s apart" in caplog.text
    assert "nobody listens in between" in caplog.text


def test_a_setting_is_found_whatever_its_case() -> None:
    """As the host finds it."""
    environ = {"paid_lanes": "2", "Paid_Schedule": TICK}

    pull = declaring(environ, lanes="%PAID_LANES%", schedule="%PAID_SCHEDULE%")

    assert registered(pull) == ["pull_paid", "pull_paid_2"]


IN_CODE: list[tuple[dict[str, Any], str]] = [
    ({"schedule": "TICK"}, "schedule (TICK) "),
    ({"schedule": ""}, "schedule () is not set"),
    ({"lanes": 0}, "lanes must be a whole number from 1 to 16"),
    ({"lanes": "many"}, "lanes must be"),
    ({"concurrency": True}, "concurrency must be"),
    ({"manner": "linger"}, "manner must be one of: visit, stay"),
    ({"pace": float("nan")}, "pace must be seconds from 0 to 60"),
    ({"pace": True}, "pace must be seconds from 0 to 60"),
    ({"timeout": 1.5}, "timeout must be"),
    ({"timeout": 3600, "budget": 3600}, "a lock can be renewed for an hour"),
    ({"name": "no name"}, "letters, digits"),
    ({"on_malformed": "ignore"}, "on_malformed='reject' or on_malformed='handle'"),
    ({"on_malformed": "handle"}, "takes MalformedEvent exactly if"),
    ({"types": {"com.shop.Paid": lambda: 0}}, "of a type that cannot be read"),
    ({"types": {"com.shop.X": Other}}, "has Other in types=, but takes data of Paid"),
    ({"types": {None: bytes}}, "has bytes in types=, but takes data of Paid"),
]


@pytest.mark.parametrize(("options", "words"), IN_CODE)
def test_wrong_arguments_are_refused(options: dict[str, Any], words: str) -> None:
    """What is written in the code is wrong wherever it runs."""
    with pytest.raises(PullInvalid) as caught:
        registered(declaring(**options))

    assert str(caught.value).startswith("sub-paid: paid (line ")
    assert words in str(caught.value)


type Json = dict[str, Json] | list[Json] | str


def nothing() -> None: ...
def untyped(event) -> None: ...  # type: ignore[no-untyped-def]
def unknown(event: "Event[Lost]") -> None: ...  # type: ignore[name-defined] # noqa: F821
def of_no_event(event: Paid) -> None: ...
def of_two(event: Event[Paid], other: int) -> None: ...
def of_a_tuple(event: tuple[Event[Paid], ...]) -> None: ...
def of_two_types(event: Event[Paid] | Event[int]) -> None: ...
def by_keyword(*, event: Event[Paid]) -> None: ...
def with_another(event: Event[Paid] | None = None, *, other: int) -> None: ...
def misspelt(event: "msgspec.Lost[Paid]") -> None: ...  # type: ignore[name-defined]
def unfinished(event: "Event[") -> None: ...  # type: ignore[valid-type] # noqa: F722
def of_itself(event: Event[Json]) -> None: ...
def yielding(event: Event[Paid]):  # type: ignore[no-untyped-def]
    yield 1


HANDLERS: list[tuple[object, str]] = [
    (nothing, "takes one parameter"),
    (untyped, "needs a type at its parameter: `event: Event[…]`"),
    (unknown, "has an annotation that cannot be read: name 'Lost' is not defined"),
    (of_no_event, "takes Paid: its parameter must be `Event[…]`"),
    (of_two, "takes one parameter"),
    (of_a_tuple, "its parameter must be `Event[…]`"),
    (of_two_types, "its parameter must be `Event[…]`"),
    (by_keyword, "takes one parameter"),
    (with_another, "takes one parameter"),
    (misspelt, "has an annotation that cannot be read: module 'msgspec' has no"),
    (unfinished, "has an annotation that cannot be read: Forward reference must be"),
    (of_itself, "of a type that cannot be read: maximum recursion"),
    (yielding, "is a generator"),
    (None, "is not a function"),
]


def test_wrong_handlers_are_refused_all_at_once() -> None:
    """
    An app without functions, or with an event subscription that nobody pulls, is worse.
    """
    pull: Any = EventGridPull(topic="orders", environ={})
    for number, (handler, _) in enumerate(HANDLERS):
        pull.subscription(f"sub-{number}", schedule=TICK)(handler)

    with pytest.raises(PullInvalid) as caught:
        registered(pull)

    found = str(caught.value).split("; ")
    assert len(found) == len(HANDLERS)
    for problem, (handler, words) in zip(found, HANDLERS, strict=True):
        assert getattr(handler, "__name__", "NoneType") in problem
        assert words in problem


METHODS = {"open": len, "record": len}


@pytest.mark.parametrize(
    ("recorder", "needs"),
    [
        (SimpleNamespace(**METHODS, down=OSError), []),
        (SimpleNamespace(**METHODS, down=(OSError, KeyError)), []),
        (SimpleNamespace(**METHODS), ["SimpleNamespace() needs `down`, an exception"]),
        (
            SimpleNamespace(**METHODS, down=OSError()),
            ["SimpleNamespace() needs `down`"],
        ),
        (
            SimpleNamespace(**METHODS, down=KeyboardInterrupt),
            ["SimpleNamespace() needs"],
        ),
        (NoRecorder, ["NoRecorder needs `open`", "NoRecorder needs `record`"]),
        (5, ["int() needs `open`", "int() needs `record`", "int() needs `down`"]),
    ],
)
def test_what_is_no_recorder_is_refused_with_the_rest(
    recorder: Any, needs: list[str]
) -> None:
    """Or each drain would fail, or release all, for a mistake in the code."""
    pull: Any = EventGridPull(topic="orders", environ={}, recorder=recorder)
    pull.subscription("sub-paid", schedule=TICK)(nothing)

    with pytest.raises(PullInvalid) as caught:
        registered(pull)

    *found, of_the_handler = str(caught.value).split("; ")
    assert of_the_handler.startswith("sub-paid: nothing")
    for problem, needed in zip(found, needs, strict=True):
        assert problem.startswith(f"recorder={needed}")


type OrderPaid = Paid
type PaidEvent = Event[OrderPaid] | MalformedEvent
type PaidEvents = list[PaidEvent]


async def test_an_alias_is_what_it_stands_for() -> None:
    """Of the data, of the event, and of the batch."""
    pull = EventGridPull(topic="orders", environ={})

    @pull.subscription("sub-one", schedule=TICK, on_malformed="handle")
    async def single(event: PaidEvent) -> None:
        assert isinstance(event, MalformedEvent) or event.data == Paid("o1", 1)

    @pull.subscription("sub-many", schedule=TICK, on_malformed="handle")
    async def many(events: PaidEvents) -> None:
        assert len(events) == 2

    assert registered(pull) == ["pull_many", "pull_one"]
    event = testing.event("com.shop.Paid", {"order": "o1", "cents": 1})
    for name in ("sub-one", "sub-many"):
        dispositions = await testing.handle(pull, name, event, b"{}")
        assert dispositions == [Acknowledge(), Acknowledge()]


def test_several_types_are_named_by_event_type() -> None:
    """Whoever leaves them out reads how; whoever names them may take all others, too."""
    pull = EventGridPull(topic="orders", environ={})

    @pull.subscription(
        "sub-named",
        schedule=TICK,
        types={"com.shop.Paid": Paid, "com.shop.Other": Other, None: dict},
    )
    def named(event: Event[Paid | Other | dict[str, object]]) -> None: ...

    registered(pull)
    pull = EventGridPull(topic="orders", environ={})

    @pull.subscription("sub-left-out", schedule=TICK)
    def left_out(event: Event[Paid | Other]) -> None: ...

    with pytest.raises(PullInvalid, match=r"name each with its event type: types="):
        registered(pull)


def test_two_of_a_kind_are_refused() -> None:
    """Both places are named, so that one can be removed."""
    pull = EventGridPull(topic="orders", environ={})
    for name in ("sub-paid", "sub-paid"):

        @pull.subscription(name, schedule=TICK)
        def paid(event: Event[Paid]) -> None: ...

    with pytest.raises(
        PullInvalid, match=r"second handler of it, after paid \(line \d+\)"
    ):
        registered(pull)


@pytest.mark.parametrize("name", ["paid", "Paid", "sub-paid_2"])
def test_two_functions_of_one_name_are_refused(name: str) -> None:
    """The host would refuse all; further lanes count."""
    pull = declaring(lanes=2)

    @pull.subscription(name, schedule=TICK)
    def other(event: Event[Paid]) -> None: ...

    with pytest.raises(
        PullInvalid, match=f"{name}: its timer function .* of sub-paid: give"
    ):
        registered(pull)


def test_a_batch_that_may_be_delivered_once_is_refused() -> None:
    """One bad event would have its neighbours rejected."""
    pull = EventGridPull(topic="orders", environ={})

    @pull.subscription("sub-paid", schedule=TICK, max_delivery_count=1)
    def paid(events: list[Event[Paid]]) -> None: ...

    with pytest.raises(PullInvalid, match="must be 2 at least"):
        registered(pull)


app: Any = func.FunctionApp()
DECORATORS: list[tuple[Callable[[], Any], str]] = [
    (lambda: app.retry("fixed_delay", "1", delay_interval="00:00:01"), "RetryPolicy"),
    (lambda: app.function_name("other"), "FunctionName"),
    (lambda: app.queue_output("out", "queue", "STORAGE"), "QueueOutput"),
    (lambda: app.timer_trigger("timer", TICK), "TimerTrigger"),
]


@pytest.mark.parametrize(("decorator", "named"), DECORATORS)
@pytest.mark.parametrize("above", [True, False])
def test_another_decorator_of_functions_is_refused_by_its_name(
    decorator: Callable[[], Any], named: str, above: bool
) -> None:
    """
    Above ours or below: it would make a function without a trigger, and so an app without any.
    """

    def paid(event: Event[Paid]) -> None: ...

    pull: Any = EventGridPull(topic="orders", environ={})
    ours, app._function_builders = pull.subscription("sub-paid", schedule=TICK), []
    decorator()(ours(paid)) if above else ours(decorator()(paid))

    with pytest.raises(PullInvalid) as caught:
        app.register_functions(pull)

    where = "above" if above else "below"
    assert f"has another decorator {where} @pull.subscription ({named}" in str(
        caught.value
    )
    assert str(caught.value).startswith("sub-paid: paid (line ")


def test_one_above_that_is_of_another_blueprint_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The handler's own name tells."""
    pull: Any = EventGridPull(topic="orders", environ={})
    other: Any = func.Blueprint()  # type: ignore[no-untyped-call]
    decorated = other.retry("fixed_delay", "1", delay_interval="00:00:01")(
        pull.subscription("sub-paid", schedule=TICK)(of_its_own_name)
    )
    monkeypatch.setitem(globals(), "of_its_own_name", decorated)

    with pytest.raises(PullInvalid, match=r"above @pull.subscription \(RetryPolicy\)"):
        registered(pull)


def of_its_own_name(event: Event[Paid]) -> None: ...


def test_a_declaration_after_the_registration_is_refused() -> None:
    """azure-functions copies the list: nobody would ever pull it."""
    pull = EventGridPull(topic="orders", environ={})
    registered(pull)

    with pytest.raises(PullInvalid, match="declare it before"):

        @pull.subscription("sub-late", schedule=TICK)
        def late(event: Event[Paid]) -> None: ...

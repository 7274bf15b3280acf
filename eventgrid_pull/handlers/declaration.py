"""An event subscription as it is declared, and what is wrong with the declarations."""

import inspect
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from types import CodeType
from typing import Any

import msgspec

from eventgrid_pull.event import Decode
from eventgrid_pull.events import event_decoder
from eventgrid_pull.events.data_decoder import UnsupportedType
from eventgrid_pull.events.event_decoder import Types
from eventgrid_pull.handlers import registration, signature
from eventgrid_pull.handlers.registration import PullInvalid
from eventgrid_pull.handlers.run_handler import OnMalformed, Runner
from eventgrid_pull.handlers.signature import Shape
from eventgrid_pull.handlers.slots import Slots
from eventgrid_pull.settings.declared_numbers import Numbers, expression, read_numbers

# As many as the host registers of a function's name.
FUNCTION = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,120}")


class Declared(msgspec.Struct, frozen=True, kw_only=True):
    """One event subscription with its handler.

    `expression` is what `schedule` says or names. With `problems` in its settings no
    timer function pulls it.
    """

    name: str
    function: str
    handler: Callable[..., Any]
    shape: Shape
    decode: Decode
    on_malformed: OnMalformed
    schedule: str
    expression: str
    numbers: Numbers
    problems: Sequence[str] = ()

    @property
    def functions(self) -> list[str]:
        """Return the names of its timer functions, one for each lane."""
        lanes = 0 if self.problems else self.numbers.lanes
        further = (f"{self.function}_{lane}" for lane in range(2, lanes + 1))
        return [self.function, *further] if lanes else []

    @property
    def code(self) -> CodeType | None:
        """Return the code of an async handler, as it stands on the loop's stack."""
        if not self.shape.is_async:
            return None
        return getattr(inspect.unwrap(self.handler), "__code__", None)

    def runner(self) -> Runner:
        """Return what runs its handler."""
        most = self.numbers.concurrency
        return Runner(
            name=self.name,
            handler=self.handler,
            shape=self.shape,
            on_malformed=self.on_malformed,
            seconds=self.numbers.timeout,
            slots=Slots(most),
            threads=ThreadPoolExecutor(most, thread_name_prefix=self.function),
        )


class Declarations:
    """All event subscriptions of an app, and all that is wrong with its code."""

    def __init__(self, environ: Mapping[str, str], wrong: Iterable[str]) -> None:
        self.by_name: dict[str, Declared] = {}
        self._environ = environ
        self._wrong = list(wrong)
        self._has_ended = False

    def add(
        self,
        name: str,
        function: Callable[..., Any],
        *,
        schedule: str,
        timer: str | None,
        numbers: Mapping[str, float | str],
        on_malformed: OnMalformed,
        types: Types | None,
        decode: Decode | None,
        problems: Sequence[str],
    ) -> Declared | None:
        """Add a declaration; None when its code is wrong. Raises PullInvalid if late."""
        if self._has_ended:
            raise PullInvalid(
                f"{name} is declared after app.register_functions(pull), which would lose "
                "it: declare it before"
            )
        shape, made, wrong = _shape(function, types, on_malformed, decode)
        timer = timer or function_name(name)
        wrong += self._clashes(name, timer, function)
        read, wrong_settings, mistakes = read_numbers(
            numbers, schedule, shape, self._environ
        )
        wrong += mistakes
        self._wrong += [f"{name}: {place(function)} {problem}" for problem in wrong]
        if wrong or shape is None or made is None:
            return None
        declared = self.by_name[name] = Declared(
            name=name,
            function=timer,
            handler=function,
            shape=shape,
            decode=event_decoder.safe(made),
            on_malformed=on_malformed,
            schedule=schedule,
            expression=expression(schedule, self._environ),
            numbers=read,
            problems=[*problems, *wrong_settings],
        )
        return declared

    def _clashes(
        self, name: str, timer: str, function: Callable[..., Any]
    ) -> list[str]:
        wrong = []
        if (other := self.by_name.get(name)) is not None:
            wrong.append(
                f"is the second handler of it, after {place(other.handler)}: remove one"
            )
        if not FUNCTION.fullmatch(timer):
            wrong.append(
                f"has no name for a function ({timer!r}): letters, digits, _ and -"
            )
        return wrong

    def end(self, builders: Iterable[Any]) -> None:
        """Take no more; raise PullInvalid with all that is wrong.

        `builders` are the functions of the app that this is registered with.
        """
        functions = list(builders)
        strays = [
            f"{name}: {place(declared.handler)} has another decorator above "
            f"@pull.subscription ({what}): remove it"
            for name, declared in self.by_name.items()
            if (what := registration.decorators_of(declared.handler, functions))
            is not None
        ]
        wrong = [*self._wrong, *strays, *self._namesakes()]
        if wrong:
            raise PullInvalid("; ".join(wrong))
        self._has_ended = True

    def _namesakes(self) -> list[str]:
        """Return which timer functions share a name; case does not count."""
        first: dict[str, str] = {}
        return [
            f"{name}: its timer function {function} has the name of one of {other}: give "
            "it a `name=`"
            for name, declared in self.by_name.items()
            for function in declared.functions
            if (other := first.setdefault(function.lower(), name)) != name
        ]


def _shape(
    function: Callable[..., Any],
    types: Types | None,
    on_malformed: OnMalformed,
    decode: Decode | None,
) -> tuple[Shape | None, Decode | None, list[str]]:
    """Return what the handler takes and its decoder; or what is wrong with it."""
    shape, wrong = signature.shape(function)
    if shape is None:
        return None, None, wrong
    if on_malformed not in ("reject", "handle"):
        wrong = [*wrong, "needs on_malformed='reject' or on_malformed='handle'"]
    elif shape.takes_malformed != (on_malformed == "handle"):
        wrong = [
            *wrong,
            "takes MalformedEvent exactly if on_malformed='handle' is given",
        ]
    wrong = [
        *wrong,
        *(
            f"has {kind} in types=, but takes data of {signature.name_of(shape.data)}"
            for kind in signature.unexpected(shape.data, (types or {}).values())
        ),
    ]
    try:
        return shape, decode or event_decoder.decoder(shape.data, types), wrong
    except (UnsupportedType, RecursionError) as error:  # of an alias within itself
        return shape, None, [*wrong, f"has data of a type that cannot be read: {error}"]


def function_name(subscription: str) -> str:
    """Return the name of its timer function: pull_paid of sub-paid."""
    return "pull_" + re.sub(r"\W", "_", subscription.removeprefix("sub-"))


def place(function: object) -> str:
    """Return a handler's name and line."""
    target = registration.user_function(function) or function
    target = inspect.unwrap(target) if callable(target) else target
    code = getattr(target, "__code__", None)
    line = f" (line {code.co_firstlineno})" if code else ""
    return f"{getattr(target, '__name__', type(target).__name__)}{line}"

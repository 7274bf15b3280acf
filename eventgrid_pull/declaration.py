"""An event subscription as it is declared, its numbers read, and what is wrong with it."""

import inspect
import re
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from eventgrid_pull import cron, event_decoder, handler, setting_values
from eventgrid_pull.event import Decode
from eventgrid_pull.event_decoder import UnsupportedType
from eventgrid_pull.handler import Shape
from eventgrid_pull.run_handler import OnMalformed

LANES, CONCURRENCY = range(1, 11), range(1, 401)
BUDGET, TIMEOUT = range(12, 3601), range(1, 3001)
LOCK, DELIVERIES = range(60, 301), range(1, 11)


class Declared(msgspec.Struct, kw_only=True):
    """One event subscription with its handler.

    `wrong` is what is wrong with the code, which is refused; `problems` what is wrong with
    settings: then its timer does not run.
    """

    name: str
    function: str
    handler: Callable[..., Any]
    shape: Shape
    decode: Decode
    on_malformed: OnMalformed
    schedule: str
    lanes: int
    concurrency: int
    budget: int
    timeout: int
    lock_duration: int
    max_delivery_count: int
    problems: list[str]


class Numbers:
    """Reads numbers of a declaration, and keeps what is wrong with them."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.problems: list[str] = []
        self._environ = environ

    def read(self, what: str, value: int | str, allowed: range, default: int) -> int:
        """Return the number, or the default where it is wrong."""
        number, problem = setting_values.whole_number(
            what, value, allowed, default, self._environ
        )
        self.problems += [problem] if problem else []
        return number

    def schedule(self, text: str) -> None:
        """Look at a schedule, or at the setting that has it."""
        name = setting_values.setting_name(text)
        value = text if name is None else self._environ.get(name, "")
        wrong = cron.problem(value) if value.strip() else "is not set"
        if wrong:
            self.problems.append(f"schedule ({name or text}) {wrong}")

    def agree(self, timeout: int, budget: int) -> None:
        """See that a handler's time fits into a drain's."""
        if timeout > budget * 10:
            self.problems.append(
                f"timeout is {timeout} s and budget {budget} s: one handler would outlast "
                "ten drains"
            )


def shape_of(
    name: str, function: Callable[..., Any], types: Mapping[str | None, object] | None
) -> tuple[Shape | None, Decode | None, list[str]]:
    """Return what the handler takes and its decoder; or what is wrong with it, named."""
    shape, wrong = handler.shape(function)
    decode = None
    if shape is not None:
        try:
            decode = event_decoder.decoder(shape.data, types)
        except UnsupportedType as error:
            wrong = [str(error)]
    place = f"{name}: {_place(function)}"
    return shape, decode, [f"{place} {problem}" for problem in wrong]


def function_of(name: str) -> str:
    """Return the name of its timer function: pull_paid of sub-paid."""
    return "pull_" + re.sub(r"\W", "_", name.removeprefix("sub-"))


def _place(function: object) -> str:
    code = getattr(inspect.unwrap(function), "__code__", None) if callable(function) else None  # fmt: skip
    line = f" (line {code.co_firstlineno})" if code else ""
    return f"{getattr(function, '__name__', type(function).__name__)}{line}"

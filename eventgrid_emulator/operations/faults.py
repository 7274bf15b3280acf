"""Faults that can be switched on: which request each one hits, and what it does."""

import asyncio
import random
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum

import msgspec
from aiohttp import web

from eventgrid_emulator.errors import Code, Refusal
from eventgrid_emulator.operations.query_parameters import Call, Operation

_CODES = Code.TOO_MANY_REQUESTS, Code.QUOTA_EXCEEDED, Code.INTERNAL, Code.UNAVAILABLE
STATUSES = {code.status: code for code in _CODES}
_FIRST_EVENT = re.compile(rb'"event":\{')
# Valid JSON that no CloudEvents reader accepts: both forms of data, an invalid time.
_BROKEN = b'"event":{"data_base64":"AA==","data":{},"time":"not a time",'


class Kind(Enum):
    """What goes wrong; `APPLIES_TO` says for which operations."""

    ERROR = "error"
    SLOW = "slow"
    ANSWER_LOST = "answer-lost"
    ANSWER_CUT = "answer-cut"
    TOKENS_FAIL = "tokens-fail"
    LOCK_LOST = "lock-lost"
    DUPLICATE = "duplicate"
    UNDECODABLE = "undecodable"


_SETTLEMENTS = frozenset(Operation) - {Operation.PUBLISH, Operation.RECEIVE}
APPLIES_TO = {
    Kind.TOKENS_FAIL: _SETTLEMENTS,
    Kind.LOCK_LOST: _SETTLEMENTS,
    Kind.DUPLICATE: frozenset({Operation.PUBLISH, Operation.ACKNOWLEDGE}),
    Kind.UNDECODABLE: frozenset({Operation.RECEIVE}),
}


class Fault(
    msgspec.Struct,
    frozen=True,
    forbid_unknown_fields=True,
    rename="camel",
    kw_only=True,
):
    """One fault: what, where, how often.

    `probability` per request that fits, `times` at most (null: no limit); `seconds` for
    slow, `share` of the tokens for tokens-fail, `status` and `retry_after` for error.
    """

    kind: Kind
    operation: Operation | None = None
    subscription: str | None = None
    probability: float = 1.0
    times: int | None = None
    status: int = 503
    retry_after: int | None = None
    seconds: float = 1.0
    share: float = 0.5

    def __post_init__(self) -> None:
        if not 0 <= self.probability <= 1 or not 0 <= self.share <= 1:
            raise ValueError("`probability` and `share` are numbers from 0 to 1")
        if self.kind is Kind.ERROR and self.status not in STATUSES:
            raise ValueError(f"`status` is one of {', '.join(map(str, STATUSES))}")
        if not 0 <= self.seconds <= 600:
            raise ValueError("`seconds` is a number from 0 to 600")
        fitting = APPLIES_TO.get(self.kind)
        if fitting and self.operation is not None and self.operation not in fitting:
            raise ValueError(
                f"{self.kind.value} does not apply to {self.operation.value}"
            )

    def fits(self, call: Call) -> bool:
        """Return whether it can hit this request."""
        fitting = APPLIES_TO.get(self.kind)
        return (
            self.operation in (None, call.operation)
            and self.subscription in (None, call.resource.subscription)
            and (fitting is None or call.operation in fitting)
        )


class Plan(msgspec.Struct, forbid_unknown_fields=True):
    """What `POST /_local/faults` holds."""

    faults: list[Fault]
    seed: int = 0


@dataclass(slots=True)
class Faults:
    """The faults that are switched on, drawn from a seed, and how often each happened."""

    plan: Plan = field(default_factory=lambda: Plan([]))
    hits: list[int] = field(default_factory=list)
    chance: random.Random = field(default_factory=lambda: random.Random(0))  # noqa: S311

    def switch(self, plan: Plan) -> None:
        """Inject these faults, and no others; the same seed hits the same requests."""
        self.plan = plan
        self.hits = [0] * len(plan.faults)
        self.chance.seed(plan.seed)

    def draw(self, call: Call) -> Fault | None:
        """Return the first fault that hits this request."""
        for index, fault in enumerate(self.plan.faults):
            spent = fault.times is not None and self.hits[index] >= fault.times
            if spent or not fault.fits(call):
                continue
            if self.chance.random() < fault.probability:
                self.hits[index] += 1
                return fault
        return None

    def choose(self, tokens: Sequence[str], share: float) -> list[str]:
        """Return about this share of the tokens, drawn from the seed."""
        return [token for token in tokens if self.chance.random() < share]

    def report(self) -> dict[str, object]:
        """Return the faults with their hits."""
        listed = [
            msgspec.to_builtins(fault) | {"hits": hits}
            for fault, hits in zip(self.plan.faults, self.hits, strict=True)
        ]
        return {"seed": self.plan.seed, "faults": listed}


async def inject(
    fault: Fault,
    request: web.BaseRequest,
    answer: Callable[[], Awaitable[web.Response]],
) -> web.StreamResponse:
    """Return the answer as the fault leaves it."""
    match fault.kind:
        case Kind.ERROR:
            code = STATUSES[fault.status]
            raise Refusal(code, "A fault was switched on", fault.retry_after)
        case Kind.SLOW:
            await asyncio.sleep(fault.seconds)
            return await answer()
        case Kind.ANSWER_LOST:
            response = await answer()
            _close(request)
            return response
        case Kind.ANSWER_CUT:
            return await _cut(request, await answer())
        case Kind.UNDECODABLE:
            response = await answer()
            if isinstance(response.body, bytes):
                response.body = _FIRST_EVENT.sub(_BROKEN, response.body, count=1)
            return response
        case _:
            return await answer()


async def _cut(request: web.BaseRequest, response: web.Response) -> web.StreamResponse:
    body = response.body if isinstance(response.body, bytes) else b""
    partial = web.StreamResponse(status=response.status, headers=response.headers)
    partial.content_length = len(body)
    await partial.prepare(request)
    await partial.write(body[: len(body) // 2])
    _close(request)
    return partial


def _close(request: web.BaseRequest) -> None:
    if request.transport is not None:
        request.transport.close()

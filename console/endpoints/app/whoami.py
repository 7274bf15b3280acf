"""What the caller may do, so that the page can show it."""

from typing import Literal, cast

import msgspec

from console.auth import Roles
from console.validation import ApiRequest

type Payloads = Literal["shown", "on-request", "never"]


class Me(msgspec.Struct, frozen=True):
    """Who asks, what they may do, and whether events' data is shown to them."""

    name: str
    kind: Literal["user", "key", "anyone"]
    roles: Roles
    payloads: Payloads


class OperatorAnswer(msgspec.Struct, frozen=True):
    """Only operators get to see this."""

    name: str
    operator: Literal[True] = True


async def me(request: ApiRequest[None, None]) -> Me:
    """Say who the caller is and what they may do."""
    who = request.caller
    payloads = cast(Payloads, request.runtime.settings.payloads)
    return Me(who.name, who.kind, who.roles, payloads)


async def operator(request: ApiRequest[None, None]) -> OperatorAnswer:
    """Say that the caller may do what an operator may; anyone else is refused."""
    return OperatorAnswer(request.caller.name)

"""One line for each thing that the app needs, probed side by side."""

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass

from moderation import reply
from moderation.appendlog import StoreUnavailable
from moderation.reply import Reply, Request
from moderation.retry import EventGridError
from moderation.runtime import Runtime, current
from moderation.settings import SettingsInvalid


@dataclass(frozen=True, slots=True)
class Check:
    """Whether one thing is well; `detail` says what was seen, `next` what to do."""

    name: str
    ok: bool
    detail: str
    next: str | None = None


async def answer(_: Request) -> Reply:
    """GET /api/health: 200 when all is well, else 503; never anything received."""
    try:
        checks = await _checks(current())
    except SettingsInvalid as error:
        checks = [
            Check("settings", False, f"{wrong.path} {wrong.problem}", "set it")
            for wrong in error.problems
        ]
    well = all(check.ok for check in checks)
    content = {"status": "ok" if well else "failing", "checks": checks}
    return reply.json(content, 200 if well else 503)


async def _checks(runtime: Runtime) -> list[Check]:
    # Event Grid answers a bogus lock token with BadToken: reachable, authorised, there.
    probes = {
        f"Event Grid: {name}": subscription.probe()
        for name, subscription in runtime.subscriptions.items()
    }
    probes["audit storage"] = runtime.audit_store.probe()
    results = await asyncio.gather(*(_check(*probe) for probe in probes.items()))
    return [Check("settings", True, "all are set"), *results]


async def _check(name: str, probe: Awaitable[None]) -> Check:
    try:
        await probe
    except (EventGridError, StoreUnavailable) as error:
        return Check(name, False, str(error), "see what it says, then ask again")
    except Exception as error:  # a probe that fails in a new way is not well either
        return Check(name, False, type(error).__name__, "look into the app's log")
    return Check(name, True, "answers")

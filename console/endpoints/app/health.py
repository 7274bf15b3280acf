"""One line for each thing that the app needs, probed side by side."""

import asyncio
import logging
import os
from collections.abc import Awaitable
from datetime import timedelta
from typing import Literal

import msgspec

from eventgrid_pull import EventGridError
from eventgrid_pull.blob.append_log import StoreUnavailable
from moderation import timers
from moderation.checks import config_check
from moderation.checks.config_check import Finding
from moderation.runtime import Runtime, current
from moderation.settings import SettingsInvalid
from moderation.topology import TopologyInvalid

_log = logging.getLogger(__name__)

LOOK_BACK = timedelta(hours=1)
PROBE_SECONDS = 10
UNWELL = 503
LOOK = "look into the app's log"


class Check(msgspec.Struct, frozen=True):
    """Whether one thing is well; `detail` says what was seen, `next` what to do."""

    name: str
    ok: bool
    detail: str
    next: str | None = None


class Health(msgspec.Struct, frozen=True):
    """All checks: `attention` when everything answers, but numbers do not agree."""

    status: Literal["ok", "attention", "failing"]
    checks: list[Check]

    def is_well(self) -> bool:
        """Return whether all that is needed answers."""
        return self.status != "failing"


async def probe_everything() -> Health:
    """Probe everything that the app needs; nothing is received."""
    try:
        runtime = current()
    except (SettingsInvalid, TopologyInvalid) as error:
        is_setting = isinstance(error, SettingsInvalid)
        name, todo = ("settings", "set it") if is_setting else ("topology", "fix it")
        checks = [
            Check(name, False, f"{wrong.path} {wrong.problem}", todo)
            for wrong in error.problems
        ]
        return Health("failing", checks)
    except Exception as error:  # health never dies of what it should name
        _log.error("the app cannot be put together", exc_info=error)
        fault = f"a fault of this app: {type(error).__name__}"
        return Health("failing", [Check("app", False, fault, LOOK)])
    needed, findings = await asyncio.gather(_checks(runtime), _findings(runtime))
    advice = [*_unwritten(runtime), *map(_advice, findings)]
    if not all(check.ok for check in needed):
        return Health("failing", [*needed, *advice])
    return Health("attention" if advice else "ok", [*needed, *advice])


async def _findings(runtime: Runtime) -> list[Finding]:
    found = [
        *config_check.examine(
            runtime.settings, os.environ, runtime.topology, runtime.handled
        ),
        *config_check.blocking(runtime.consumer.status()),
    ]
    try:
        return [*found, *await measured_findings(runtime)]
    except StoreUnavailable:
        return found  # said by the check of the storage


async def measured_findings(runtime: Runtime) -> list[Finding]:
    """Return what an hour's batches say about the locks. Raises StoreUnavailable."""
    now = runtime.clock()
    try:
        async with asyncio.timeout(PROBE_SECONDS):
            summaries = await runtime.activity.read(
                runtime.topology.names, since=now - LOOK_BACK, until=now
            )
    except TimeoutError as error:
        message = f"storage does not answer within {PROBE_SECONDS} s"
        raise StoreUnavailable(message) from error
    return [
        *config_check.slow_batches(summaries, runtime.topology),
        *config_check.late_events(
            summaries, timers.of(runtime.topology.names, os.environ, runtime.handled)
        ),
    ]


def _advice(finding: Finding) -> Check:
    name = f"doctor: {finding.where}"
    return Check(name, False, finding.problem, f"change {finding.change}")


def _unwritten(runtime: Runtime) -> list[Check]:
    problem = runtime.publishing.noted.problem()
    todo = "nothing if the storage answers again; otherwise see what it says"
    return [Check("action log", False, problem, todo)] if problem else []


async def _checks(runtime: Runtime) -> list[Check]:
    # Event Grid answers a bogus lock token with BadToken: reachable, authorised, there.
    probes = {
        f"Event Grid: {name}": runtime.subscription(name).probe()
        for name in runtime.topology.names
    }
    probes["audit storage"] = runtime.audit_store.probe()
    results = await asyncio.gather(*(_check(*probe) for probe in probes.items()))
    return [Check("settings", True, "all are set"), *results]


async def _check(name: str, probe: Awaitable[None]) -> Check:
    try:
        async with asyncio.timeout(PROBE_SECONDS):
            await probe
    except TimeoutError:
        wait = f"does not answer within {PROBE_SECONDS} s"
        return Check(name, False, wait, "see whether it is up and can be reached")
    except (EventGridError, StoreUnavailable) as error:
        return Check(
            name,
            False,
            str(error),
            "fix that, then ask again; docs/settings.md has every setting and role",
        )
    except Exception as error:  # a probe that fails in a new way is not well either
        return Check(name, False, type(error).__name__, LOOK)
    return Check(name, True, "answers")

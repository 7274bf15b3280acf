"""What the app declares: functions, their triggers and retry policies, as values."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any

FOREVER = timedelta(seconds=2_147_483_647)


class AuthLevel(StrEnum):
    """Who may call an HTTP function."""

    ANONYMOUS = "ANONYMOUS"
    FUNCTION = "FUNCTION"
    ADMIN = "ADMIN"


@dataclass(frozen=True, slots=True)
class HttpTrigger:
    """An HTTP function's route, below the prefix; no methods means any."""

    parameter: str
    route: str
    methods: tuple[str, ...]
    auth_level: AuthLevel


@dataclass(frozen=True, slots=True)
class TimerTrigger:
    """A timer function's schedule as it was written, `%SETTING%` unresolved."""

    parameter: str
    schedule: str
    use_monitor: bool
    run_on_startup: bool


@dataclass(frozen=True, slots=True)
class OtherTrigger:
    """A trigger that this host does not run."""

    parameter: str
    type: str


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often and how long after a failure a function is run again."""

    max_retry_count: int
    minimum: timedelta
    maximum: timedelta

    def delay(self, retry: int) -> timedelta:
        """Return the pause before the given retry; the first is 1."""
        factor: int = 2 ** min(retry - 1, 30)
        return min(self.minimum * factor, self.maximum)

    def allows(self, retry: int) -> bool:
        """Return whether the given retry is within the policy; -1 allows any number."""
        return self.max_retry_count == -1 or retry <= self.max_retry_count


@dataclass(frozen=True, slots=True)
class Function:
    """One function of the app."""

    name: str
    id: str
    trigger: HttpTrigger | TimerTrigger | OtherTrigger
    bindings: tuple[Mapping[str, Any], ...] = ()
    script_file: str = "function_app.py"
    retry: RetryPolicy | None = None
    is_async: bool = True


def from_metadata(metadata: Any, *, is_async: bool) -> Function:
    """Return the function that the worker library describes."""
    bindings = tuple(json.loads(raw) for raw in metadata.raw_bindings)
    return Function(
        name=metadata.name,
        id=metadata.function_id,
        trigger=_trigger(metadata.name, bindings),
        bindings=bindings,
        script_file=metadata.script_file or "function_app.py",
        retry=_retry(metadata.retry_options),
        is_async=is_async,
    )


def is_disabled(name: str, environ: Mapping[str, str]) -> bool:
    """Return whether a setting switches the function off."""
    settings = (f"AzureWebJobs.{name}.Disabled", f"AzureWebJobs_{name}_Disabled")
    values = {environ.get(setting, "").strip().lower() for setting in settings}
    return not values.isdisjoint({"1", "true"})


def _trigger(
    name: str, bindings: tuple[Mapping[str, Any], ...]
) -> HttpTrigger | TimerTrigger | OtherTrigger:
    binding = next(b for b in bindings if b["type"].lower().endswith("trigger"))
    match binding["type"].lower():
        case "httptrigger":
            return HttpTrigger(
                parameter=binding["name"],
                route=(binding.get("route") or name).strip("/"),
                methods=tuple(m.upper() for m in binding.get("methods") or ()),
                auth_level=AuthLevel(binding.get("authLevel", "FUNCTION").upper()),
            )
        case "timertrigger":
            return TimerTrigger(
                parameter=binding["name"],
                schedule=binding.get("schedule", ""),
                use_monitor=binding.get("useMonitor", True) is not False,
                run_on_startup=binding.get("runOnStartup", False) is True,
            )
        case _:
            return OtherTrigger(binding["name"], binding["type"])


def _retry(options: Any) -> RetryPolicy | None:
    if options is None:
        return None
    if options.retry_strategy == "fixed_delay":
        delay = options.delay_interval
        return RetryPolicy(options.max_retry_count, delay, delay)
    return RetryPolicy(
        options.max_retry_count,
        options.minimum_interval or timedelta(),
        options.maximum_interval or FOREVER,
    )

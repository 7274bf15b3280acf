"""Functions are described as the app has declared them."""

import json
from datetime import timedelta
from typing import Any

import pytest

from functions_host import functions
from functions_host.functions import (
    AuthLevel,
    HttpTrigger,
    OtherTrigger,
    RetryPolicy,
    TimerTrigger,
)
from functions_host.worker_messages import Message

TEN = timedelta(seconds=10)


def described(trigger: dict[str, Any], retry: Message | None = None) -> Any:
    """Return a function with that trigger, read from the library's metadata."""
    raw = [json.dumps(trigger), '{"type": "http", "name": "$return"}']
    metadata = Message(name="f", function_id="1", raw_bindings=raw, retry_options=retry)
    return functions.from_metadata(metadata, is_async=True)


@pytest.mark.parametrize(
    ("declared", "route"), [({"route": "a/b"}, "a/b"), ({"route": ""}, "f"), ({}, "f")]
)
def test_a_function_without_a_route_is_found_by_its_name(
    declared: dict[str, str], route: str
) -> None:
    """An empty route is no route."""
    trigger = {
        "type": "httpTrigger",
        "name": "req",
        "authLevel": "ANONYMOUS",
    } | declared

    assert described(trigger).trigger == HttpTrigger(
        "req", route, (), AuthLevel.ANONYMOUS
    )


def test_a_timer_is_monitored_unless_it_says_no() -> None:
    """And does not run on startup unless it says so."""
    trigger = {"type": "timerTrigger", "name": "timer", "schedule": "%X%"}

    assert described(trigger).trigger == TimerTrigger("timer", "%X%", True, False)
    changed = described(trigger | {"useMonitor": False, "runOnStartup": True})
    assert changed.trigger == TimerTrigger("timer", "%X%", False, True)


def test_other_triggers_are_told_apart() -> None:
    """They are listed, with the reason why they do not run."""
    found = described({"type": "queueTrigger", "name": "message"})

    assert found.trigger == OtherTrigger("message", "queueTrigger")


@pytest.mark.parametrize(
    ("options", "delays"),
    [
        (Message(retry_strategy="fixed_delay", delay_interval=TEN), [10, 10, 10]),
        (
            Message(
                retry_strategy="exponential_backoff",
                minimum_interval=TEN,
                maximum_interval=timedelta(seconds=35),
            ),
            [10, 20, 35],
        ),
        (
            Message(retry_strategy="exponential_backoff", minimum_interval=TEN),
            [10, 20, 40],
        ),
    ],
)
def test_a_retry_policy_says_how_long_to_wait(
    options: Message, delays: list[int]
) -> None:
    """A fixed delay, or one that doubles up to a bound."""
    options.max_retry_count = 3
    policy = described({"type": "timerTrigger", "name": "timer"}, options).retry

    assert [policy.delay(retry).total_seconds() for retry in (1, 2, 3)] == delays
    assert [policy.allows(retry) for retry in (3, 4)] == [True, False]


def test_a_retry_policy_may_be_endless() -> None:
    """-1 is without end, and the delay stays a delay."""
    policy = RetryPolicy(-1, TEN, functions.FOREVER)

    assert policy.allows(10_000)
    assert policy.delay(10_000) <= functions.FOREVER


@pytest.mark.parametrize(
    ("setting", "value", "disabled"),
    [
        ("AzureWebJobs.f.Disabled", "true", True),
        ("AzureWebJobs_f_Disabled", "1", True),
        ("AzureWebJobs_f_Disabled", "0", False),
        ("AzureWebJobs_g_Disabled", "1", False),
    ],
)
def test_a_setting_disables_a_function(
    setting: str, value: str, disabled: bool
) -> None:
    """Both spellings count: dots are not allowed in Linux settings."""
    assert functions.is_disabled("f", {setting: value}) is disabled

"""Why a request was refused is in the log, and a storm of them does not fill it."""

import asyncio
import logging
from types import SimpleNamespace
from typing import Any

import pytest

from eventgrid_emulator import EmulatedNamespace
from eventgrid_emulator.errors import Code, Refusal
from eventgrid_emulator.http.refusal_log import RefusalLog
from tests.eventgrid_emulator.wire import ALL, VERSION, Wire
from tests.virtual_time import in_virtual_time

pytestmark = pytest.mark.contract


def log_lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records]


@in_virtual_time
async def test_a_storm_of_refusals_is_a_line_a_second(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The first at once, then the last with how many there were, whatever differs."""
    with caplog.at_level(logging.INFO, "eventgrid_emulator.http.refusal_log"):
        log = RefusalLog()
        for number in range(40):
            request: Any = SimpleNamespace(method="POST", path=f"/{number}")
            log.add(request, Refusal(Code.NOT_FOUND, "It is not there"))
        await asyncio.sleep(60)

    line = "POST '/{}' refused: 404 NotFound: It is not there"
    others = " (and 38 others in a second)"
    assert log_lines(caplog) == [line.format(0), line.format(39) + others]


async def test_the_log_says_what_is_allowed(
    wire: Wire, caplog: pytest.LogCaptureFixture
) -> None:
    """Microsoft's lab says maxWaitTime=5, which the service refuses without a reason."""
    with caplog.at_level(logging.INFO, "eventgrid_emulator.http.refusal_log"):
        await wire.post(f"{ALL}:receive", query={"maxWaitTime": "5"} | VERSION)

    assert "10 to 120" in log_lines(caplog)[0]


async def test_verbose_logs_every_refusal(
    wire: Wire, namespace: EmulatedNamespace, caplog: pytest.LogCaptureFixture
) -> None:
    """Whoever asked for all of them gets all of them."""
    with caplog.at_level(logging.DEBUG, "eventgrid_emulator.http.refusal_log"):
        for _ in range(5):
            await wire.post("/topics/no-such:publish", [])

    assert len(log_lines(caplog)) == 5

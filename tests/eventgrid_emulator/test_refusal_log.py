"""Why a request was refused is in the log, and a storm of them does not fill it."""

import logging

import pytest

from eventgrid_emulator import EmulatedNamespace
from tests.eventgrid_emulator.wire import ALL, VERSION, Wire

pytestmark = pytest.mark.contract


def told(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records]


async def test_a_storm_of_refusals_is_a_line_a_second(
    wire: Wire, caplog: pytest.LogCaptureFixture
) -> None:
    """The first at once, then the last with how many there were, whatever differs."""
    log = "eventgrid_emulator.refusal_log"
    with caplog.at_level(logging.INFO, log):
        for number in range(40):
            await wire.post(f"/topics/no-such-{number}:publish", [])
        assert len(told(caplog)) <= 2
        assert (
            "POST '/topics/no-such-0:publish' refused: 404 NotFound" in told(caplog)[0]
        )


async def test_what_a_developer_meant_is_said(
    wire: Wire, caplog: pytest.LogCaptureFixture
) -> None:
    """Microsoft's lab says maxWaitTime=5, which the service refuses without a reason."""
    with caplog.at_level(logging.INFO, "eventgrid_emulator.refusal_log"):
        await wire.post(f"{ALL}:receive", query={"maxWaitTime": "5"} | VERSION)

    assert "10 to 120" in told(caplog)[0]


async def test_verbose_says_every_refusal(
    wire: Wire, namespace: EmulatedNamespace, caplog: pytest.LogCaptureFixture
) -> None:
    """Whoever asked for all of them gets all of them."""
    with caplog.at_level(logging.DEBUG, "eventgrid_emulator.refusal_log"):
        for _ in range(5):
            await wire.post("/topics/no-such:publish", [])

    assert len(told(caplog)) == 5

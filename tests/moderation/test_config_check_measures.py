"""The doctor at the terminal looks at what the app has measured, too."""

from datetime import datetime

from eventgrid_pull.blob.append_log import InMemoryAppendLog, StoreUnavailable, stamp
from eventgrid_pull.draining.histogram import Histogram
from moderation.activity.log import ActivityLog, Summary
from tests.make import NOW
from tests.moderation.test_runtime import FLAGGED, Queue, a_runtime
from tools import health_command


async def test_a_batch_that_took_half_of_its_lock_is_a_finding() -> None:
    """Lock against batch and handling time: before a lock is lost."""
    runtime, _ = a_runtime(Queue())
    slow = Summary(at=stamp(NOW), subscription=FLAGGED, received=1)
    slow.handling.merge(Histogram(1, 40_000.0, 40_000.0))
    await runtime.activity.note(slow, NOW)

    [finding] = await health_command._measured(runtime)

    assert finding.where == f"{FLAGGED}: receiveLockDurationInSeconds"


async def test_a_store_that_does_not_answer_is_a_finding() -> None:
    """Without it nothing can be recorded, so nothing would be received."""

    class Down(InMemoryAppendLog):
        async def search(
            self, name: str, needle: bytes, *, since: datetime, until: datetime
        ) -> list[bytes]:
            raise StoreUnavailable("storage does not answer")

    runtime, _ = a_runtime(Queue())
    runtime.activity = ActivityLog(Down())

    [finding] = await health_command._measured(runtime)

    assert finding.where == "audit storage:"

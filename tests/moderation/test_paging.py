"""Pages joined are the whole: nothing twice, nothing missing, whatever arrives meanwhile."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from eventgrid_pull.blob.append_log import InMemoryAppendLog, merge, stamp
from eventgrid_pull.outcomes import Acknowledge, Reject, Verb
from moderation.audit import entry
from moderation.audit.entry import AuditEntry
from moderation.audit.log import AuditLog, Position, Query
from moderation.events import Verdict
from tests.make import NOW, a_delivery, an_event, minutes

NAMES = ["sub-flagged", "sub-approved"]
BEGINNING = NOW - timedelta(hours=3)
# What a clock does between two batches, in microseconds: it may also be set back.
GAPS = [
    *(0, 1, 1_000_000, 60_000_000, 3_600_000_000),
    *(-1, -1_000_000, -1_000_001, -60_000_000, -3_600_000_000),
]


class Writers(InMemoryAppendLog):
    """A log that several processes write, each into a part of its own."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self.parts = [InMemoryAppendLog() for _ in range(count)]

    async def newest(
        self, name: str, *, since: datetime, until: datetime
    ) -> AsyncIterator[bytes]:
        """The lines of all parts, newest first."""
        parts = [part.newest(name, since=since, until=until) for part in self.parts]
        async for line in merge(parts):
            yield line


class Written:
    """What was written by whom, each with a clock of its own."""

    def __init__(self) -> None:
        self.log = Writers(3)
        self.clocks = [BEGINNING] * 3
        self.entries: list[AuditEntry] = []

    async def write(
        self, writer: int, name: str, gap: int, size: int, times: int
    ) -> None:
        """A batch of that size; more than once when its append was repeated."""
        now = self.clocks[writer] = self.clocks[writer] + timedelta(microseconds=gap)
        ids = [f"{len(self.entries) + n}" for n in range(size)]
        made = [_entry(name, event_id, now) for event_id in ids]
        self.entries += made
        for _ in range(times):
            await AuditLog(self.log.parts[writer]).record(name, made, now)


class Looks:
    """Time that is up after so many looks at it."""

    def __init__(self, count: int) -> None:
        self.count = count

    def __call__(self) -> float:
        self.count -= 1
        return self.count


def _entry(name: str, event_id: str, now: datetime) -> AuditEntry:
    done = Acknowledge(Verdict.APPROVED) if int(event_id) % 3 else Reject("third")
    return entry.entry(name, a_delivery(an_event(id=event_id)), done, stamp(now))


BATCHES = st.tuples(
    st.integers(0, 2),
    st.sampled_from(NAMES),
    st.sampled_from(GAPS),
    st.integers(1, 5),
    st.sampled_from([1, 1, 1, 2]),
)


@given(
    before=st.lists(BATCHES, min_size=1, max_size=8),
    between=st.lists(st.lists(BATCHES, max_size=2), max_size=6),
    limits=st.lists(st.integers(1, 6), min_size=1, max_size=5),
    looks=st.sampled_from([1, 2, 5, 1000]),
    disposition=st.sampled_from([None, Verb.REJECT]),
)
def test_pages_joined_are_the_whole(
    before: list[tuple[int, str, int, int, int]],
    between: list[list[tuple[int, str, int, int, int]]],
    limits: list[int],
    looks: int,
    disposition: Verb | None,
) -> None:
    """
    Several writers, batches of one moment, repeated appends, pages that run out of
    time, and entries that arrive between two pages.
    """

    async def run() -> None:
        written = Written()
        for batch in before:
            await written.write(*batch)
        wanted = [
            entry
            for entry in written.entries
            if disposition in (None, entry.disposition)
        ]
        arriving = iter(between)
        got = []
        after: Position | None = None
        for turn in range(1_000):
            query = Query(
                since=BEGINNING - minutes(24 * 60),
                until=NOW + minutes(24 * 60),
                subscriptions=NAMES,
                disposition=disposition,
                limit=limits[turn % len(limits)],
                after=after,
            )
            page = await AuditLog(written.log).find(query, time_left=Looks(looks))
            got += page.entries
            assert len(page.entries) <= query.limit
            if page.complete:
                break
            after = page.position
            for batch in next(arriving, []):
                await written.write(*batch)
        ids = [entry.id for entry in got]
        assert len(ids) == len(set(ids))
        assert {entry.id for entry in wanted} <= set(ids)
        assert [entry.at for entry in got] == sorted(
            (entry.at for entry in got), reverse=True
        )

    asyncio.run(run())

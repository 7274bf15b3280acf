"""Callers who wait for a drain until what was there is done, and when they are answered."""

import asyncio
from collections.abc import Callable, Iterable
from math import inf
from typing import NamedTuple

from eventgrid_pull.draining.drain_result import DrainResult, Part
from eventgrid_pull.wire.http_retry import EventGridError, loop_time

# A receive that is open for so long without an event says that there is none; an answer
# with less in it than was asked for does not.
QUIET_SECONDS = 0.2
# Nobody waits longer than an empty receive takes, however slow Event Grid is.
LONGEST_QUIET = 10.0
# Callers who ask shortly after one another are answered together.
TOGETHER_SECONDS = 1.0
# With events that never cease to come, callers hear what was done by then.
PATIENCE_SECONDS = 25.0
# While Event Grid does not take a receive, they hear why by then; a timer tries on.
RETRY_SECONDS = 5


class Answered(NamedTuple):
    """What was done by then; `all_done` is false where the drain ended before that."""

    result: DrainResult
    all_done: bool


class Callers:
    """Whoever waits for one drain, and what it takes to answer them.

    They are answered when nothing is in hand and a receive has been open without an
    event for 0.2 s, or twice the longest round trip of the drain, from when they asked.
    """

    def __init__(self) -> None:
        # Set while somebody waits: a drain does not rest then.
        self.asked = asyncio.Event()
        # Then nobody is answered any more.
        self.is_over = False
        self._part: Callable[[str], Part] | None = None
        self._so_far: Callable[[], DrainResult] | None = None
        self._waiting: dict[asyncio.Future[Answered], float] = {}
        self._noting: set[asyncio.Task[None]] = set()
        self._patient_until = inf
        self._open = self._in_hand = 0
        self._quiet_since: float | None = None
        self._refusal: Exception | None = None
        self._round_trip = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def ask(self, since: float = inf) -> asyncio.Future[Answered]:
        """Return the answer's future; who waits `since` then has less patience."""
        asking: asyncio.Future[Answered] = asyncio.get_running_loop().create_future()
        now = self._waiting[asking] = loop_time()
        ends = min(since, now) + PATIENCE_SECONDS
        self._patient_until = min(self._patient_until, ends)
        self.asked.set()
        self._look()
        return asking

    def answer_with(
        self, part: Callable[[str], Part], so_far: Callable[[], DrainResult]
    ) -> None:
        """Answer with what `part` returns: what was done since the last answer.

        `so_far` is for those who have no more patience while something is in hand.
        """
        self._part, self._so_far = part, so_far

    async def end(self, part: Part) -> None:
        """Answer who still waits with the last part; wait until every part is noted."""
        self._part, self.is_over = None, True
        _resolve(self._take_waiting(), Answered(part[0], all_done=False))
        await asyncio.gather(*self._noting, part[1])

    def _answer(self, stopped: str) -> None:
        if self._part is None:
            return
        result, noting = self._part(stopped)
        _resolve(self._take_waiting(), Answered(result, all_done=True))
        task = asyncio.create_task(noting)
        self._noting.add(task)
        task.add_done_callback(self._noting.discard)

    def _take_waiting(self) -> Iterable[asyncio.Future[Answered]]:
        waiting, self._waiting, self._patient_until = self._waiting, {}, inf
        self.asked.clear()
        self._forget_timer()
        return waiting

    def note_open(self) -> None:
        """Note that one more receive is open."""
        self._open += 1
        if self._quiet_since is None:
            self._quiet_since = loop_time()
        self._look()

    def note_close(self) -> None:
        """Note that one of them is open no more, whatever it brought."""
        self._open -= 1
        if not self._open:
            self._quiet_since = None

    def note_events(self, count: int, opened: float) -> None:
        """Note how many events came of a receive that was opened then.

        None is silence enough, if everybody had asked before.
        """
        self._refusal = None
        if count:
            self._in_hand += 1
            self._quiet_since = None
        elif self._waiting and not self._in_hand and opened >= self._last_asked():
            self._answer("empty")

    def note_failure(self, error: Exception) -> None:
        """Note why a receive failed; the drain may try again for long."""
        self._refusal = error
        self._look()

    def note_batch_end(self, round_trip: float) -> None:
        """Note that a batch is done with, and how long a request takes."""
        self.note_round_trip(round_trip)
        self._in_hand -= 1
        is_over = loop_time() >= self._patient_until
        if self._in_hand:
            if is_over and self._so_far is not None:
                _resolve(self._take_waiting(), Answered(self._so_far(), all_done=True))
            return
        self._quiet_since = loop_time() if self._open else None
        if is_over:
            self._answer("budget")
        else:
            self._look()

    def note_round_trip(self, seconds: float) -> None:
        """Note how long a request took that did not wait for events."""
        self._round_trip = max(self._round_trip, seconds)

    def _last_asked(self) -> float:
        asked = self._waiting.values()
        return min(max(asked), min(asked) + TOGETHER_SECONDS)

    def _look(self) -> None:
        """Have callers answered if it is time; look again when it will be."""
        self._forget_timer()
        if not self._waiting or self._in_hand:
            return
        if self._quiet_since is not None:
            quiet = min(max(QUIET_SECONDS, 2 * self._round_trip), LONGEST_QUIET)
            due = max(self._last_asked(), self._quiet_since) + quiet
        elif self._refusal is not None:
            due = self._last_asked() + RETRY_SECONDS
        else:
            return
        if loop_time() < due:
            self._timer = asyncio.get_running_loop().call_at(due, self._look)
        elif self._quiet_since is not None:
            self._answer("empty")
        else:
            self._answer_refused()

    def _answer_refused(self) -> None:
        if self._so_far is not None and self._refusal is not None:
            result = self._so_far()
            result.fail(self._refusal)
            _resolve(self._take_waiting(), Answered(result, all_done=False))

    def _forget_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


class Opening:
    """One receive under way, which is open from when its request is sent."""

    def __init__(self, callers: Callers) -> None:
        self._callers = callers
        self._opened = loop_time()
        self._is_open = True
        callers.note_open()

    def note_sending(self, connected: float | None) -> None:
        """Note that the request is prepared, or sent; see `sending.on_sending`."""
        self._close()
        if connected is not None:
            self._callers.note_round_trip(connected)
            self._is_open = True
            self._callers.note_open()

    def fail(self, error: BaseException) -> None:
        """Close it: it has said nothing but why."""
        self._close()
        if isinstance(error, EventGridError):
            self._callers.note_failure(error)

    def _close(self) -> None:
        if self._is_open:
            self._is_open = False
            self._callers.note_close()

    def close_with(self, count: int) -> None:
        """Close it with so many events."""
        self._close()
        self._callers.note_events(count, self._opened)


def _resolve(waiting: Iterable[asyncio.Future[Answered]], answered: Answered) -> None:
    for asking in waiting:
        if not asking.done():  # its caller went away
            asking.set_result(answered)

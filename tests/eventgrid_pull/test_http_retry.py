"""What is tried again, how soon, and never beyond the time there is."""

import asyncio
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventgrid_pull.wire.http_retry import (
    LONGEST_PAUSE,
    EventGridError,
    pause_after,
    retry,
)
from tests.virtual_time import in_virtual_time, now

FAILED = EventGridError("no answer", transient=True)


class Calls:
    """A call that fails as scripted, then answers; and when it was made."""

    def __init__(self, *errors: EventGridError, for_ever: bool = False) -> None:
        self._errors = list(errors)
        self._for_ever = for_ever
        self.at: list[float] = []

    async def __call__(self) -> str:
        self.at.append(now())
        if self._errors:
            raise self._errors[0] if self._for_ever else self._errors.pop(0)
        return "answer"

    @property
    def pauses(self) -> list[float]:
        return [later - at for at, later in pairwise(self.at)]


@pytest.mark.parametrize(
    ("status", "code", "again"),
    [
        (408, "", True),
        (429, "TooManyRequests", True),
        (500, "", True),
        (502, "", True),
        (503, "", True),
        (504, "", True),
        (403, "QuotaExceeded", True),
        (403, "Forbidden", False),
        (400, "BadRequest", False),
        (401, "", False),
        (404, "NotFound", False),
        (413, "", False),
        (None, "", False),
    ],
)
def test_only_what_may_pass_is_tried_again(
    status: int | None, code: str, again: bool
) -> None:
    """A quota passes, a missing role does not, and both are 403."""
    error = EventGridError("no", status, code=code)

    assert (pause_after(error, 1, 0.5) is not None) is again


@pytest.mark.parametrize(
    ("status", "refused"), [(400, True), (413, True), (503, False), (None, False)]
)
def test_a_refusal_is_not_an_outage(status: int | None, refused: bool) -> None:
    """Who published learns whether the same again is any use."""
    assert EventGridError("no", status).refused is refused


@given(tries=st.integers(1, 5000), chance=st.floats(0, 1))
def test_pauses_grow_to_a_ceiling_with_jitter(tries: int, chance: float) -> None:
    """Each is at least half of its ceiling, and none is above eight seconds."""
    pause = pause_after(FAILED, tries, chance)

    ceiling = min(LONGEST_PAUSE, 0.2 * 2 ** min(tries, 10))
    assert pause is not None
    assert ceiling / 2 <= pause <= ceiling


@given(asked=st.floats(0, 1e6), chance=st.floats(0, 1))
def test_retry_after_is_kept_and_a_little_added(asked: float, chance: float) -> None:
    """Many clients do not come back at the same moment, and none too early."""
    error = EventGridError("wait", 429, retry_after=asked)

    pause = pause_after(error, 1, chance)

    assert pause is not None
    assert asked <= pause <= asked + 1


@in_virtual_time
async def test_the_answer_of_a_later_try_is_given() -> None:
    """With a longer pause before each."""
    call = Calls(FAILED, FAILED, FAILED)

    assert await retry(call, within=60) == "answer"

    assert len(call.at) == 4
    for pause, longest in zip(call.pauses, (0.4, 0.8, 1.6), strict=True):
        assert longest / 2 <= pause <= longest


@in_virtual_time
async def test_no_try_begins_beyond_the_time_there_is() -> None:
    """The last error is raised as soon as the next pause would be too long."""
    call = Calls(FAILED, for_ever=True)
    began = now()

    with pytest.raises(EventGridError, match="no answer"):
        await retry(call, within=30)

    assert call.at[-1] - began < 30
    assert now() == call.at[-1]
    assert len(call.at) > 5


@pytest.mark.parametrize("within", [0.0, -5.0])
@in_virtual_time
async def test_without_time_left_there_is_one_try(within: float) -> None:
    """The call itself is the caller's decision; only a second one is not made."""
    call = Calls(FAILED, FAILED)

    with pytest.raises(EventGridError):
        await retry(call, within=within)

    assert len(call.at) == 1


@pytest.mark.parametrize(("status", "retry_after"), [(429, 600), (401, None)])
@in_virtual_time
async def test_what_does_not_pass_in_time_is_raised_at_once(
    status: int, retry_after: float | None
) -> None:
    """
    Nobody sleeps through a budget that is over before Event Grid wants to be asked, and
    a wrong key does not get better by waiting.
    """
    call = Calls(EventGridError("no", status, retry_after=retry_after))
    began = now()

    with pytest.raises(EventGridError, match="no"):
        await retry(call, within=50)

    assert (len(call.at), now()) == (1, began)


@in_virtual_time
async def test_a_cancelled_caller_is_not_held_by_a_pause() -> None:
    """Cancellation is never swallowed."""
    call = Calls(EventGridError("busy", 429, retry_after=30))
    task = asyncio.create_task(retry(call, within=50))
    await asyncio.sleep(1)
    began = now()

    task.cancel()
    await asyncio.wait({task})

    assert task.cancelled()
    assert (len(call.at), now()) == (1, began)

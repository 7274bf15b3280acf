"""Every disposition is settled with its own call, and every answer is read."""

from collections.abc import Callable, Sequence

import pytest

from eventgrid_pull import testing
from eventgrid_pull.draining.settle import UNANSWERED, settle
from eventgrid_pull.event import Delivery
from eventgrid_pull.outcomes import Disposition, Reject, Release, ReleaseDelay, Settled
from eventgrid_pull.wire.http_retry import EventGridError
from tests.eventgrid_pull.orders import DONE, a_delivery

type Answer = Callable[[Sequence[str]], Settled]


class Settler(testing.InMemorySubscription):
    """Answers as told, by verb; remembers what it was called with."""

    def __init__(self, **answers: Answer) -> None:
        super().__init__()
        self._answers = answers
        self.calls: list[tuple[str, int, list[str]]] = []

    def _settle(self, verb: str, tokens: Sequence[str], delay: int = 0) -> Settled:
        self.calls.append((verb, delay, list(tokens)))
        answer = self._answers.get(verb)
        return answer(tokens) if answer else Settled(frozenset(tokens))


def no_answer(tokens: Sequence[str]) -> Settled:
    raise EventGridError("no answer", transient=True)


def decided(*dispositions: Disposition) -> list[tuple[Delivery, Disposition]]:
    return [(a_delivery(), disposition) for disposition in dispositions]


def tokens_of(pairs: list[tuple[Delivery, Disposition]]) -> list[str]:
    return [delivery.lock_token for delivery, _ in pairs]


async def test_one_call_for_each_disposition_and_delay() -> None:
    """However many events share it."""
    pairs = decided(
        DONE,
        Reject("no"),
        DONE,
        Release("later", ReleaseDelay.TEN_SECONDS),
        Release("later", ReleaseDelay.ONE_HOUR),
        Release("other words, same delay", ReleaseDelay.ONE_HOUR),
    )
    tokens = tokens_of(pairs)
    settler = Settler()

    assert await settle(settler, []) == ({}, None)
    results, failure = await settle(settler, pairs)

    assert sorted(settler.calls) == [
        ("acknowledge", 0, [tokens[0], tokens[2]]),
        ("reject", 0, [tokens[1]]),
        ("release", 10, [tokens[3]]),
        ("release", 3600, tokens[4:]),
    ]
    assert (results, failure) == (dict.fromkeys(tokens), None)


async def test_failed_tokens_are_told_apart_by_their_code() -> None:
    """Status 200 says nothing about a single token."""
    pairs = decided(DONE, DONE, DONE, DONE)
    kept, lost, bad, fault = tokens_of(pairs)
    codes = {lost: "TokenLost", bad: "BadToken", fault: "InternalServerError"}
    settler = Settler(acknowledge=lambda _: Settled(frozenset([kept]), codes))

    results, failure = await settle(settler, pairs)

    assert results == {kept: None, **codes}
    assert failure is None


async def test_a_token_that_the_answer_leaves_out_is_unanswered() -> None:
    """It is not taken for settled."""
    pairs = decided(DONE, DONE)
    answered, unanswered = tokens_of(pairs)
    settler = Settler(acknowledge=lambda _: Settled(frozenset([answered])))

    results, failure = await settle(settler, pairs)

    assert (results, failure) == ({answered: None, unanswered: UNANSWERED}, None)


async def test_tokens_that_nobody_asked_about_are_not_listened_to() -> None:
    """An answer speaks only of what is in hand."""
    pairs = decided(DONE)
    settler = Settler(
        acknowledge=lambda all_: Settled(frozenset([*all_, "x"]), {"y": "TokenLost"})
    )

    results, _ = await settle(settler, pairs)

    assert results == dict.fromkeys(tokens_of(pairs))


@pytest.mark.parametrize("verb", ["acknowledge", "reject", "release"])
async def test_a_call_that_fails_does_not_keep_the_others_from_being_made(
    verb: str,
) -> None:
    """Its own tokens are unanswered; the failure is handed on, not raised."""
    pairs = decided(DONE, Reject("no"), Release("later", ReleaseDelay.NONE))
    by_verb = dict(zip(("acknowledge", "reject", "release"), pairs, strict=True))
    settler = Settler(**{verb: no_answer})

    results, failure = await settle(settler, pairs)

    unanswered = by_verb[verb][0].lock_token
    others = [token for token in tokens_of(pairs) if token != unanswered]
    assert results == {unanswered: UNANSWERED, **dict.fromkeys(others)}
    assert str(failure) == "no answer"
    assert len(settler.calls) == 3

"""What flows, over time and in all, from the activity log alone."""

from datetime import datetime
from typing import Any

import pytest

from eventgrid_pull.blob.append_log import stamp
from moderation.activity.log import Summary
from tests.calling import Api
from tests.make import NOW, minutes

FLAGGED = "com.contoso.ai.ContentFlagged"


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Api:
    return Api(monkeypatch)


def a_summary(ago: float, subscription: str = "sub-flagged", **more: Any) -> Summary:
    """Three deliveries, two of them acknowledged; the queue kept them 10 to 1000 ms."""
    summary = Summary(
        at=stamp(NOW - minutes(ago)),
        subscription=subscription,
        received=3,
        dispositions={"acknowledge": 2, "reject": 1},
        types={FLAGGED: 3},
        matrix={"hate": {"high": 2}, "spam": {"low": 1}},
        models={"m 1": 3},
        confidences=[0, 0, 0, 0, 0, 0, 0, 0, 1, 2],
    )
    summary.waited.add_all([10.0, 100.0, 1000.0])
    summary.queue_delay.add_all([5.0])
    for name, value in more.items():
        setattr(summary, name, value)
    return summary


async def note(api: Api, *summaries: Summary) -> None:
    for summary in sorted(summaries, key=lambda summary: summary.at):
        await api.runtime.activity.note(summary, datetime.fromisoformat(summary.at))


async def flow(api: Api, **params: str) -> Any:
    answer = await api.call("GET", "activity", params=params)
    assert answer.status == 200, answer.body
    return answer.json()


async def test_a_minute_tells_what_was_done_in_it(api: Api) -> None:
    """Counts by disposition and type, and how long events waited."""
    await note(api, a_summary(2))

    found = await flow(api)

    assert found["stepSeconds"] == 60
    [minute] = found["minutes"]
    assert minute["minute"] == "2026-11-23T10:28:00Z"
    counted = minute["subscriptions"]["sub-flagged"]
    assert (counted["acknowledge"], counted["release"], counted["reject"]) == (2, 0, 1)
    assert counted["types"] == {FLAGGED: 3}
    delay = counted["queueDelayMs"]
    assert (delay["count"], delay["mean"], delay["max"]) == (3, 370.0, 1000.0)
    assert delay["p50"] == pytest.approx(100, rel=0.05)
    assert delay["p99"] == pytest.approx(1000, rel=0.05)
    assert (counted["claimedDelayMs"]["count"], delay["count"]) == (1, 3)
    assert counted["handlingMs"]["p99"] is None


async def test_the_totals_are_over_all_that_is_shown(api: Api) -> None:
    """What lies before the first minute does not count."""
    await note(api, a_summary(3), a_summary(1, "sub-approved"), a_summary(45))

    totals = (await flow(api))["totals"]

    assert totals["dispositions"] == {"acknowledge": 4, "release": 0, "reject": 2}
    assert totals["matrix"] == [
        {"category": "hate", "severity": "high", "count": 4},
        {"category": "spam", "severity": "low", "count": 2},
    ]
    assert totals["confidence"] == [0, 0, 0, 0, 0, 0, 0, 0, 2, 4]
    assert totals["models"] == [{"model": "m 1", "count": 6}]
    assert totals["queueDelayMs"]["count"] == 6
    assert totals["claimedDelayMs"]["count"] == 2


async def test_nothing_noted_is_nothing_to_show(api: Api) -> None:
    """The first minute of a fresh app."""
    found = await flow(api)

    assert found["minutes"] == []
    assert found["totals"]["confidence"] == [0] * 10
    assert found["totals"]["queueDelayMs"]["p50"] is None
    assert set(found["lastDrain"].values()) == {None}


@pytest.mark.parametrize(
    ("asked", "step", "steps"),
    [
        *(("1", 60, 1), ("120", 60, 120), ("121", 300, 25)),
        *(("720", 300, 144), ("721", 900, 49), ("1440", 900, 96)),
    ],
)
async def test_a_longer_time_comes_in_longer_steps(
    api: Api, asked: str, step: int, steps: int
) -> None:
    """
    An answer has 144 steps at most, each on a round time, the last with now in it.
    """
    await note(api, *(a_summary(ago) for ago in range(0, 1500)))

    found = await flow(api, minutes=asked)

    assert found["stepSeconds"] == step
    begins = [interval["minute"] for interval in found["minutes"]]
    assert len(begins) == steps
    assert begins[0] == found["since"]
    assert begins[-1] == "2026-11-23T10:30:00Z"


async def test_one_event_subscription_may_be_asked_for(api: Api) -> None:
    """
    An event is counted for each event subscription that takes it; here for one only.
    """
    await note(api, a_summary(1), a_summary(1, "sub-all-events"))

    found = await flow(api, subscription="sub-all-events")

    assert list(found["lastDrain"]) == ["sub-all-events"]
    assert found["totals"]["types"] == {FLAGGED: 3}
    assert {alert["subscription"] for alert in found["alerts"]} == {"sub-all-events"}


async def test_another_event_subscription_is_refused(api: Api) -> None:
    """The answer lists those there are."""
    answer = await api.call("GET", "activity", params={"subscription": "sub-x"})

    assert answer.status == 400
    assert "sub-flagged" in answer.body.decode()


async def test_many_names_do_not_make_an_answer_large(api: Api) -> None:
    """Names come from events, and a page loads this every few seconds."""
    names = {f"{number:03}" + "x" * 77: 1 for number in range(50)}
    await note(
        api, *(a_summary(ago, types=names, categories=names) for ago in range(30))
    )

    answer = await api.call("GET", "activity")

    [*_, minute] = answer.json()["minutes"]
    assert minute["subscriptions"]["sub-flagged"]["types"]["(others)"] == 40
    assert len(answer.body) < 100_000

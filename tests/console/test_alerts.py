"""The banner: late drains, batches that stay full, rejected events, and what to do."""

from typing import Any, cast

import pytest

from eventgrid_pull.blob.append_log import StoreUnavailable, stamp
from moderation.activity.log import Summary
from tests.calling import Api
from tests.dead_letters import InMemoryDeadLetters
from tests.make import NOW, minutes

SCHEDULE = "PULL_FLAGGED_SCHEDULE"
OTHERS = ("PULL_APPROVED_SCHEDULE", "PULL_ALL_EVENTS_SCHEDULE")


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Api:
    for name in OTHERS:
        monkeypatch.setenv(name, "0 0 0 29 2 *")
    monkeypatch.setenv(SCHEDULE, "0 * * * * *")
    return Api(monkeypatch)


async def note(api: Api, *ago: float, **more: Any) -> None:
    """Summaries of drains that ended so many minutes ago."""
    for moment_ago in sorted(ago, reverse=True):
        at = NOW - minutes(moment_ago)
        summary = Summary(at=stamp(at), subscription="sub-flagged", **more)
        await api.runtime.activity.note(summary, at)


async def alerts(api: Api) -> list[dict[str, Any]]:
    answer = await api.call("GET", "activity")
    found: list[dict[str, Any]] = answer.json()["alerts"]
    return [alert for alert in found if alert["subscription"] == "sub-flagged"]


async def test_a_drain_on_time_is_no_alert(api: Api) -> None:
    """Silence is what operators see most days."""
    await note(api, 1, 2, 3)

    assert await alerts(api) == []


async def test_a_late_drain_is_reported_with_what_to_do(api: Api) -> None:
    """The timers may be disabled, or the app may be down."""
    await note(api, 12)

    [alert] = await alerts(api)

    assert (alert["kind"], alert["level"]) == ("late", "warning")
    assert alert["since"] == "2026-11-23T10:27:00Z"
    assert "the last drain was 12 min ago" in alert["text"]
    assert "/api/health" in alert["next"]


async def test_a_timer_that_is_switched_off_is_reported_before_it_is_late(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Everything else looks well while its queue fills."""
    monkeypatch.setenv("AzureWebJobs.pull_flagged.Disabled", "true")
    await note(api, 1)

    [alert] = await alerts(api)

    assert (alert["kind"], alert["level"]) == ("switched-off", "warning")
    assert "AzureWebJobs.pull_flagged.Disabled" in alert["text"]


async def test_drains_that_fail_are_late_and_reported_as_failing(api: Api) -> None:
    """ "Not drained" would send people to the timers, where nothing is wrong."""
    await note(api, 12)
    await note(api, 2, 1, 0, completed=False)

    [alert] = await alerts(api)

    assert alert["kind"] == "late"
    assert "fail: 3 attempts" in alert["text"]


async def test_a_drain_that_goes_on_is_not_late(api: Api) -> None:
    """Half an hour is a budget that is allowed."""
    await note(api, 1, drains=0)

    assert await alerts(api) == []


async def test_a_drain_that_was_not_due_is_not_late(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A schedule of working hours is quiet over the weekend."""
    monkeypatch.setenv(SCHEDULE, "0 */5 9-17 * * SAT")
    await note(api, (24 * 2 - 7.5) * 60 + 4)  # Saturday, 17:56

    assert await alerts(api) == []

    monkeypatch.setenv(SCHEDULE, "0 */5 9-17 * * SUN")
    [alert] = await alerts(api)
    assert alert["since"] == "2026-11-22T17:55:00Z"


async def test_a_fresh_app_is_no_reason_to_worry(api: Api) -> None:
    """Its first tick comes soon."""
    [alert] = await alerts(api)

    assert (alert["kind"], alert["level"], alert["since"]) == ("late", "info", None)
    assert "0 * * * * *" in alert["text"]


async def test_an_app_that_has_been_silent_for_days_is_not_fresh(api: Api) -> None:
    """Nothing of the last hours, but something of before."""
    await note(api, 3 * 24 * 60)

    [alert] = await alerts(api)

    assert (alert["kind"], alert["level"]) == ("late", "warning")


async def test_a_timer_that_fires_once_in_a_while_is_not_watched(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To know whether it is late would take months of the log at every look."""
    monkeypatch.setenv(SCHEDULE, "0 0 0 1 1 *")
    await note(api, 400 * 24 * 60)

    assert await alerts(api) == []


async def test_batches_that_stay_full_call_for_more(api: Api) -> None:
    """More comes than is drained; the settings to change are named."""
    await note(api, 9)
    await note(api, 5, 4, 3, 2, 1, last_full=True)

    [alert] = await alerts(api)

    assert (alert["kind"], alert["since"]) == ("full", "2026-11-23T10:25:00Z")
    assert "PULL_FLAGGED_LANES" in alert["next"]


@pytest.mark.parametrize("empty_at", [0, 2])
async def test_a_backlog_that_was_drained_is_no_alert(api: Api, empty_at: int) -> None:
    """A burst that is over is nothing to do."""
    await note(api, *(ago for ago in range(5) if ago != empty_at), last_full=True)
    await note(api, empty_at)

    assert await alerts(api) == []


async def test_rejected_events_are_reported_for_an_hour(api: Api) -> None:
    """They lie in the dead letters, where someone has to look at them."""
    await note(api, 61, 59, 12, dispositions={"reject": 2})
    await note(api, 1)

    [alert] = await alerts(api)

    assert (alert["kind"], alert["since"]) == ("dead-lettered", "2026-11-23T09:31:00Z")
    assert alert["text"].startswith("4 events of sub-flagged")
    assert "/api/deadletters" in alert["next"]


@pytest.mark.parametrize("folder", ["2026/11/23/9", "2026/11/23/09"])
async def test_what_event_grid_gave_up_is_reported_until_it_is_redriven(
    api: Api, folder: str
) -> None:
    """
    An event that expired was never seen by this app, but lies in the dead letters.
    """
    await note(api, 1)
    store = cast(InMemoryDeadLetters, api.runtime.dead_letters)
    name = f"NS/moderation-events/SUB-FLAGGED/{folder}/1.json"
    store.put(name, b"[]", NOW - minutes(60))

    [alert] = await alerts(api)

    assert (alert["kind"], alert["since"]) == ("dead-lettered", "2026-11-23T09:00:00Z")
    assert "from today, the newest of 09:00 UTC" in alert["text"]

    del store.kept[name]
    store.put(f"archived/{name}", b"[]", NOW)
    assert await alerts(api) == []


async def test_dead_letters_that_cannot_be_listed_hide_nothing_else(
    api: Api,
) -> None:
    """The app's identity may lack the role for that container."""

    class Closed(InMemoryDeadLetters):
        async def folders(self, path: str) -> list[str]:
            raise StoreUnavailable("no role")

    api.runtime.dead_letters = Closed()
    await note(api, 1, dispositions={"reject": 1})

    [alert] = await alerts(api)

    assert alert["text"] == "1 event of sub-flagged rejected in the last hour"

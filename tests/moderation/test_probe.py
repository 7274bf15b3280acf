"""A probe is known by its mark and the log, on the event subscription it is for."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest

from eventgrid_pull import Disposition, Reject
from eventgrid_pull.blob.append_log import InMemoryAppendLog, StoreUnavailable, stamp
from eventgrid_pull.event import AnyEvent
from eventgrid_pull.publishing import publish_stamp
from moderation.audit import entry
from moderation.audit.actions import ActionLog, action
from moderation.event_key import EventKey
from moderation.events import PROBE_MARK
from moderation.inspection import probe
from moderation.inspection.recognition import Probes
from moderation.runtime import handled
from tests.make import APPROVED, NOW, a_delivery, an_event, declaring


def test_a_probe_that_was_not_settled_is_not_called_rejected() -> None:
    """The answer says what happened, not what was wanted."""
    made = entry.entry("sub-flagged", a_delivery(), Reject("a probe"), stamp(NOW))

    answer = probe.report(made, here=True, failed="TokenLost")

    assert (answer.rejected, answer.reason) == (False, "not settled: TokenLost")


@pytest.mark.parametrize(
    ("names", "place"),
    [
        (["sub-approved", "sub-flagged"], "sub-flagged"),
        (["flagged"], None),  # nobody handles that one
        (["sub-approved"], None),
        ([], None),
    ],
)
def test_a_probe_goes_where_it_is_rejected_or_nowhere(
    names: list[str], place: str | None
) -> None:
    """Another handler would act on it as on any event."""
    assert probe.place(declaring(*names), handled()) == place


def test_a_filter_that_keeps_the_probe_out_is_seen_before_it_is_published() -> None:
    """Nobody waits for 30 seconds for what cannot come."""
    shape = declaring("sub-flagged")
    taking = shape.event_subscriptions[0].filters_configuration
    other = msgspec.structs.replace(taking, included_event_types=[APPROVED])
    narrowed = msgspec.structs.replace(
        shape.event_subscriptions[0], filters_configuration=other
    )

    kept_out = msgspec.structs.replace(shape, event_subscriptions=[narrowed])
    assert probe.place(kept_out, handled()) is None


def test_each_probe_has_an_id_of_its_own() -> None:
    """Two people may inspect at once."""
    assert probe.probe(NOW)["id"] != probe.probe(NOW)["id"]


NAME = "sub-flagged"


def delivered(at: datetime | None = NOW, **changes: Any) -> AnyEvent:
    """A marked event as it is delivered; published by an app of ours at that moment."""
    event = an_event(**({"id": "probe", PROBE_MARK: "inspect"} | changes))
    [made] = publish_stamp.add_stamps([event], at) if at else [event]
    return a_delivery(made).event


async def decide(event: AnyEvent, *, verb: str = "inspect", **noted: Any) -> Any:
    """What becomes of an event of another instance, with this line in the log."""
    log = ActionLog(InMemoryAppendLog())
    line = {"subscription": NAME, "events": [EventKey("/tests", "probe")]} | noted
    await log.note(action(verb, "someone", NOW, **line), NOW)
    said = Probes(lambda: log).before(NAME, event)
    return await said if said is not None else None


async def test_a_probe_on_record_is_rejected_by_the_timers_of_every_instance() -> None:
    """Whichever receives it, however late, and also as a dead letter."""
    found: Disposition | None = await decide(delivered())

    assert isinstance(found, Reject)
    assert "a probe" in found.reason


@pytest.mark.parametrize(
    ("event", "noted"),
    [
        (delivered(**{PROBE_MARK: None}), {}),
        (delivered(id="another"), {}),
        (delivered(source="/elsewhere"), {}),
        (delivered(at=None), {}),
        (delivered(at=NOW - timedelta(days=1)), {}),
        (delivered(at=NOW + timedelta(days=1)), {}),
        (delivered(egpublishedat="yesterday", at=None), {}),
        (delivered(egpublishedat="0001-01-01T00:00:00.000000Z", at=None), {}),
        (delivered(egpublishedat="9999-12-31T23:59:59.999999Z", at=None), {}),
        (delivered(), {"verb": "publish"}),
        (delivered(), {"subscription": "sub-all-events"}),
        (delivered(), {"events": []}),
    ],
)
async def test_a_mark_that_nobody_recorded_is_no_probe(
    event: AnyEvent, noted: dict[str, Any]
) -> None:
    """Whoever sets it gets what any event gets: its handler decides."""
    assert await decide(event, **noted) is None


async def test_while_the_log_is_away_nothing_is_decided_about_a_mark() -> None:
    """The event is released, and comes again when it can be told."""

    class Away(InMemoryAppendLog):
        async def newest(self, *args: Any, **more: Any) -> AsyncIterator[bytes]:
            raise StoreUnavailable("storage does not answer")
            yield b""

    said = Probes(lambda: ActionLog(Away())).before(NAME, delivered())

    assert said is not None
    with pytest.raises(StoreUnavailable):
        await said

"""The steps of one event's life, as an answer tells them."""

from collections import Counter
from collections.abc import Sequence
from urllib.parse import urlencode

import msgspec

from eventgrid_pull.blob.append_log import Stamp, stamp
from eventgrid_pull.outcomes import Verb
from moderation.audit.actions import ManualAction
from moderation.audit.entry import AuditEntry, DeadLetterRef
from moderation.audit.event_history import History
from moderation.audit.history_search import Search
from moderation.dead_letters.attempts import Attempt
from moderation.dead_letters.listing import Listed
from moderation.event_key import EventKey

# What a publisher says of itself is not measured by anyone here.
CLAIMED = "by the publisher's clock"
UNTIMED = "before its first delivery; when is not known"
ELSEWHERE = "not published through this app"
# What somebody did that is a step of the event's life; the rest is in its entries.
STEPS = {"publish": "published", "peek": "peek", "renew": "renew"}


class Step(msgspec.Struct, kw_only=True, rename="camel"):
    """Something that happened to the event.

    `kind`: published, delivery, peek, renew, dead-lettered or redriven. `by` is who did
    it by hand, or published the event as the action log has it; `claimedBy` who did as
    the event says, with no line of the log to prove it.
    """

    at: Stamp
    kind: str = ""
    subscription: str | None = None
    disposition: Verb | None = None
    verdict: str | None = None
    reason: str | None = None
    delay_seconds: int | None = None
    delivery_count: int | None = None
    by: str | None = None
    claimed_by: str | None = None
    text: str | None = None
    dead_letter: DeadLetterRef | None = None


class KnownEvent(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """An event that has the id; `link` asks for its life.

    `at` is when it was met first in this answer. What its payload says is null while
    only its publication is on record; `link` is null for one without a source.
    """

    id: str
    source: str
    at: Stamp
    type: str | None = None
    content_id: str | None = None
    category: str | None = None
    severity: str | None = None
    confidence: float | None = None
    model: str | None = None
    link: str | None = None


def describe(met: tuple[EventKey, AuditEntry | ManualAction]) -> KnownEvent:
    """Return how an answer names one of the events that have an id."""
    key, first = met
    link = (
        f"life?{urlencode({**key._asdict(), 'at': first.at})}" if key.source else None
    )
    if isinstance(first, ManualAction):
        return KnownEvent(id=key.id, source=key.source, at=first.at, link=link)
    found = msgspec.convert(first, KnownEvent, from_attributes=True)
    return msgspec.structs.replace(found, link=link)


def publish_steps(search: Search, history: History) -> list[Step]:
    """Return who published it, as the log has it; in the end, what no line of it proves.

    That is at our stamp, or else at the time that the event says of itself.
    """
    acts = [_step(action) for action in history.actions if action.action == "publish"]
    entries = history.entries
    if acts and entries and entries[0].at < acts[0].at:  # noted after it
        acts[0].at = entries[0].at
    at = search.time or search.first
    if not search.is_over or at is None:
        return acts
    claims = [claim for claim in search.claims if claim not in search.noted_by]
    text = CLAIMED if search.is_claim else None
    if search.time is None:
        text = UNTIMED
    if not search.claims and search.noted is None:
        text = f"{ELSEWHERE}, {text}" if text else ELSEWHERE
        return [Step(at=stamp(at), kind="published", text=text)]
    return [
        *acts,
        *(
            Step(at=stamp(at), kind="published", claimed_by=claim, text=text)
            for claim in claims
        ),
    ]


def manual_steps(history: History) -> list[Step]:
    """Return what somebody did with the event besides publishing and settling it."""
    done = ("peek", "renew")
    return [_step(action) for action in history.actions if action.action in done]


def _step(action: ManualAction) -> Step:
    step = msgspec.convert(action, Step, from_attributes=True)
    step.at, step.kind = action.stamped or action.at, STEPS[action.action]
    step.text = action.detail
    return step


def delivery_step(entry: AuditEntry) -> Step:
    """Return a delivery, or a redrive, and how it was settled."""
    step = msgspec.convert(entry, Step, from_attributes=True)
    step.kind = "redriven" if entry.redrive else "delivery"
    step.dead_letter = entry.redrive
    return step


def dead_letter_steps(
    last: AuditEntry, listed: Listed, entries: Sequence[AuditEntry]
) -> list[Step]:
    """Return the dead letter after that delivery, and its redrives without an entry."""
    ref, properties = listed.ref, listed.letter.properties
    recorded: Counter[tuple[str | None, ...]] = Counter(
        (entry.by, entry.disposition, entry.verdict, entry.reason)
        for entry in entries
        if entry.redrive == ref
    )
    dead_lettered = Step(
        # storage's clock has whole seconds
        at=max(stamp(listed.dead_lettered_at), last.at),
        kind="dead-lettered",
        subscription=last.subscription,
        reason=properties.reason,
        delivery_count=properties.attempts,
        text=properties.result,
        dead_letter=ref,
    )
    steps = [dead_lettered]
    for attempt in listed.attempts:
        outcome = (attempt.by, attempt.outcome, attempt.verdict, attempt.reason)
        if recorded[outcome] > 0:
            recorded[outcome] -= 1
        else:
            steps.append(_redrive_step(last.subscription, attempt, ref))
    return steps


def _redrive_step(subscription: str, attempt: Attempt, ref: DeadLetterRef) -> Step:
    step = msgspec.convert(attempt, Step, from_attributes=True)
    step.kind, step.subscription, step.dead_letter = "redriven", subscription, ref
    step.disposition = attempt.outcome
    step.text = None if attempt.outcome else "begun; no outcome is on record"
    return step

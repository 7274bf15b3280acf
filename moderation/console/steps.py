"""The steps of one event's life, as an answer tells them."""

from collections import Counter
from collections.abc import Sequence

import msgspec

from moderation.appendlog import stamp
from moderation.audit import AuditEntry, Lineage
from moderation.deadletterlist import Listed
from moderation.ledger import Attempt
from moderation.life import Doing, Lived
from moderation.reading import details

# What somebody did that is a step of the event's life; the rest is in its entries.
STEPS = {"publish": "published", "peek": "peek", "renew": "renew"}


class Step(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Something that happened to the event.

    `kind`: published, delivery, peek, renew, dead-lettered or redriven. `by` is who did
    it by hand.
    """

    at: str
    kind: str
    subscription: str | None = None
    disposition: str | None = None
    verdict: str | None = None
    reason: str | None = None
    delay_seconds: int | None = None
    delivery_count: int | None = None
    by: str | None = None
    text: str | None = None
    dead_letter: Lineage | None = None


def published(found: Lived) -> list[Step]:
    """When the event was published, and by whom when it was by hand."""
    acts = [one for one in found.doings if one.action == "publish"]
    time = details(found.event).time if found.event is not None else None
    if not acts:
        return [Step(at=stamp(time), kind="published")] if time else []
    return [_done(one) for one in acts]


def by_hand(found: Lived) -> list[Step]:
    """What somebody did with the event besides publishing and settling it."""
    return [_done(one) for one in found.doings if one.action in ("peek", "renew")]


def _done(doing: Doing) -> Step:
    return Step(
        at=doing.at,
        kind=STEPS[doing.action],
        subscription=doing.subscription,
        delivery_count=doing.delivery_count,
        by=doing.by,
        text=doing.detail,
    )


def delivery(entry: AuditEntry) -> Step:
    """A delivery, or a redrive, and how it was settled."""
    return Step(
        at=entry.at,
        kind="redriven" if entry.redrive else "delivery",
        subscription=entry.subscription,
        disposition=entry.disposition,
        verdict=entry.verdict,
        reason=entry.reason,
        delay_seconds=entry.delay_seconds,
        delivery_count=entry.delivery_count,
        by=entry.by,
        dead_letter=entry.redrive,
    )


def letter(
    subscription: str, listed: Listed, entries: Sequence[AuditEntry]
) -> list[Step]:
    """The dead letter, and its redrives but for those that entries tell already."""
    lineage, said = Lineage(listed.name, listed.letter.index), listed.letter.said
    told: Counter[tuple[str | None, ...]] = Counter(
        (one.by, one.disposition, one.verdict, one.reason)
        for one in entries
        if one.redrive == lineage
    )
    buried = Step(
        at=stamp(listed.at),
        kind="dead-lettered",
        subscription=subscription,
        reason=said.reason,
        delivery_count=said.attempts,
        text=said.result,
        dead_letter=lineage,
    )
    steps = [buried]
    for one in listed.attempts:
        if told[one.by, one.outcome, one.verdict, one.reason] > 0:
            told[one.by, one.outcome, one.verdict, one.reason] -= 1
        else:
            steps.append(_redriven(subscription, one, lineage))
    return steps


def _redriven(subscription: str, attempt: Attempt, lineage: Lineage) -> Step:
    return Step(
        at=attempt.at,
        kind="redriven",
        subscription=subscription,
        disposition=attempt.outcome,
        verdict=attempt.verdict,
        reason=attempt.reason,
        by=attempt.by,
        text=None if attempt.outcome else "begun; no outcome is on record",
        dead_letter=lineage,
    )

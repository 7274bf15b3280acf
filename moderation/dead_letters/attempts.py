"""What was tried with the dead letters of one blob, as its ledger has it.

One line when a redrive begins, before the handler is called, and one when its outcome
is recorded in the audit log. A line without the other is a redrive that is at work, or
that died.
"""

from datetime import datetime

import msgspec

from eventgrid_pull.blob.append_log import Stamp, stamp
from eventgrid_pull.outcomes import Verb
from moderation.audit.entry import AuditEntry


class Attempt(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One redrive of one dead letter: the `number`-th, from 1, of that index.

    `outcome` is None until it is recorded: then acknowledge, release or reject.
    """

    at: Stamp
    index: int
    number: int
    by: str
    outcome: Verb | None = None
    verdict: str | None = None
    reason: str | None = None

    def line(self) -> bytes:
        """Return it as it stands in the ledger."""
        return msgspec.json.encode(self) + b"\n"

    def with_outcome(self, entry: AuditEntry) -> "Attempt":
        """Return the attempt as its audit entry says that it ended."""
        return msgspec.structs.replace(
            self,
            at=entry.at,
            outcome=entry.disposition,
            verdict=entry.verdict,
            reason=entry.reason,
        )


class Ledger(msgspec.Struct):
    """The attempts of a blob; `size` is the ledger's length in bytes."""

    size: int = 0
    attempts: dict[tuple[int, int], Attempt] = {}

    def take(self, attempt: Attempt) -> None:
        """Take a line of the ledger: it overrules an earlier one about the same attempt.

        An attempt that is acknowledged stays so.
        """
        key = (attempt.index, attempt.number)
        known = self.attempts.get(key)
        if known is None or known.outcome != Verb.ACKNOWLEDGE:
            self.attempts[key] = attempt

    def of(self, index: int) -> list[Attempt]:
        """Return the attempts with that dead letter, oldest first."""
        keys = sorted(key for key in self.attempts if key[0] == index)
        return [self.attempts[key] for key in keys]

    def is_done(self, index: int) -> bool:
        """Return whether a handler has acknowledged that dead letter."""
        return any(attempt.outcome == Verb.ACKNOWLEDGE for attempt in self.of(index))

    def unfinished(self, index: int) -> Attempt | None:
        """Return the attempt with that dead letter of which no outcome is noted."""
        return next(
            (attempt for attempt in self.of(index) if attempt.outcome is None), None
        )

    def begin(self, index: int, by: str, now: datetime) -> Attempt:
        """Begin an attempt now; it takes the place of one that came to nothing.

        So both have the same entry in the audit log, should the other yet write one.
        """
        unfinished = self.unfinished(index)
        number = unfinished.number if unfinished else len(self.of(index)) + 1
        return Attempt(at=stamp(now), index=index, number=number, by=by)


def read(content: bytes) -> Ledger:
    """Read the ledger in those bytes; what is no line of one is left out."""
    ledger = Ledger(size=len(content), attempts={})
    for line in content.splitlines():
        try:
            ledger.take(_attempt.decode(line))
        except (ValueError, RecursionError):
            continue
    return ledger


_attempt = msgspec.json.Decoder(Attempt)

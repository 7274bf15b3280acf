"""What becomes of undeliverable events: dead letters, or only a count."""

import dataclasses
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import partial

from eventgrid_emulator.dead_letters import document
from eventgrid_emulator.dead_letters.destinations import Destination
from eventgrid_emulator.dead_letters.document import DeadLetter
from eventgrid_emulator.dead_letters.outbox import Outbox
from eventgrid_emulator.dead_letters.recent import RecentDeadLetters
from eventgrid_emulator.namespace.subscription import Counts, Subscription
from eventgrid_emulator.queue.clock import Clock
from eventgrid_emulator.queue.entries import Undeliverable
from eventgrid_emulator.storage.commits import Commits
from eventgrid_emulator.storage.journal import Journal

BLOB_LIMIT = 1000
BLOB_SIZE = 4 * 1024 * 1024


class DeadLettering:
    """Dead-letters the events of a namespace, or drops them where there is no place."""

    def __init__(
        self,
        namespace: str,
        clock: Clock,
        journal: Journal,
        commits: Commits,
        known: Mapping[tuple[str, str], Subscription],
        destination: Destination | None,
    ) -> None:
        self._namespace = namespace
        self._clock = clock
        self._journal = journal
        self._commits = commits
        self._known = known
        self._number = 0
        self.recent = RecentDeadLetters()
        self.outbox = Outbox(destination, clock.now, self._done)

    def restore(self, waiting: Iterable[DeadLetter]) -> None:
        """Replace the dead letters that wait by these."""
        letters = [self._with_blob(letter) for letter in waiting]
        self._number = max([self._number, *(letter.id for letter in letters)])
        self.outbox.remove(lambda _: True)
        self.outbox.add(letters)
        self.outbox.send(self._number)

    def clear(self, places: Collection[tuple[str, str]]) -> None:
        """Forget the dead letters of these topics' event subscriptions, sent or not."""
        ids = self.outbox.remove(lambda letter: letter.place in places)
        self._journal.forget_dead_letters(ids)
        self.recent.remove(lambda letter: letter.place in places)

    def dead_letter(
        self, subscription: Subscription, undeliverable: list[Undeliverable]
    ) -> None:
        """Dead-letter these events, or drop them where there is no container."""
        events = [item.event for item in undeliverable]
        self._journal.forget(subscription.key, events)
        if subscription.container is None:
            subscription.counts.dropped += len(events)
            return
        letters = list(
            self._documents(subscription, subscription.container, undeliverable)
        )
        for letter in letters:
            self._journal.dead_letter(letter)
        self.outbox.add(letters)
        # The blob is written once it is certain that the event is not delivered again.
        self._commits.after_commit(partial(self.outbox.send, self._number))

    def _documents(
        self,
        subscription: Subscription,
        container: str,
        undeliverable: Iterable[Undeliverable],
    ) -> Iterator[DeadLetter]:
        """Write the documents; together in a blob, as many as belong in one."""
        now = self._clock.now()
        place = f"{self._namespace}/{subscription.topic}/{subscription.name}"
        blob, held, size = "", BLOB_LIMIT, 0
        for item in undeliverable:
            content = document.document(item, self._clock.to_machine_time)
            if held == BLOB_LIMIT or size + len(content) > BLOB_SIZE:
                name = document.blob_name(place, self._clock.to_machine_time(now))
                blob, held, size = f"{container}/{name}", 0, 0
            held, size = held + 1, size + len(content)
            self._number += 1
            yield DeadLetter(self._number, blob, now, content)

    def _with_blob(self, letter: DeadLetter) -> DeadLetter:
        # Version 1.0 stored no blob's name, but only the place of the event subscription.
        if letter.blob.endswith(".json"):
            return letter
        blob = document.blob_name(letter.blob, letter.since)
        return dataclasses.replace(letter, blob=blob)

    def _done(self, letters: list[DeadLetter], arrived: bool) -> None:
        if arrived:
            self.recent.remember(letters)
        self._journal.forget_dead_letters([letter.id for letter in letters])
        subscriptions = [self._known.get(letter.place) for letter in letters]
        counts = [subscription.counts for subscription in subscriptions if subscription]
        self._commits.after_commit(lambda: _count(counts, arrived=arrived))
        if self._commits.failure is None:
            self._commits.commit()


def _count(counted: Iterable[Counts], *, arrived: bool) -> None:
    for counts in counted:
        counts.dead_lettered += arrived
        counts.dropped += not arrived

"""What becomes of events that ended: a dead letter, or nothing but a count."""

from collections.abc import Iterable, Mapping

from local.broker import deadletters
from local.broker.clock import Clock
from local.broker.dead_letter_queue import DeadLetterQueue
from local.broker.deadletters import DeadLetter, Destination
from local.broker.entries import Ended
from local.broker.journal import Journal
from local.broker.subscription import Subscription


class Burial:
    """Dead-letters the events of a namespace, or drops them where there is no place."""

    def __init__(
        self,
        namespace: str,
        clock: Clock,
        journal: Journal,
        known: Mapping[tuple[str, str], Subscription],
    ) -> None:
        self._namespace = namespace
        self._clock = clock
        self._journal = journal
        self._known = known
        self._number = 0
        self.letters: DeadLetterQueue | None = None

    @property
    def waiting(self) -> int:
        """How many dead letters their destination has not taken yet."""
        return len(self.letters) if self.letters is not None else 0

    def send_to(self, destination: Destination) -> None:
        """Dead letters go there."""
        self.letters = DeadLetterQueue(destination, self._clock.now, self._done)

    def restore(self, waiting: Iterable[DeadLetter]) -> None:
        """These dead letters wait, and no others."""
        letters = list(waiting)
        self._number = max([self._number, *(letter.id for letter in letters)])
        if self.letters is not None:
            self.letters.replace(letters)

    def bury(self, subscription: Subscription, ended: list[Ended]) -> None:
        """The event subscription lets go of these events."""
        events = [each.event for each in ended]
        self._journal.forgotten(subscription.key, events)
        if self.letters is None or subscription.container is None:
            subscription.counts.dropped += len(ended)
            return
        now = self._clock.now()
        path = "/".join(
            (
                subscription.container,
                self._namespace,
                subscription.topic,
                subscription.name,
            )
        )
        for each in ended:
            self._number += 1
            letter = DeadLetter(self._number, path, now, deadletters.document(each))
            self._journal.dead_lettered(letter)
            self.letters.add(letter)

    def _done(self, letters: list[DeadLetter], arrived: bool) -> None:
        self._journal.delivered_dead_letters([letter.id for letter in letters])
        for letter in letters:
            _, _, topic, name = letter.path.rsplit("/", 3)
            subscription = self._known.get((topic, name))
            if subscription is not None:
                subscription.counts.dead_lettered += arrived
                subscription.counts.dropped += not arrived

"""The newest dead letters, kept in memory to be looked at."""

from collections.abc import Callable, Iterable

import msgspec

from eventgrid_emulator.dead_letters.document import DeadLetter

# Kept for `GET /_local/deadletters`; older ones are only at their destination.
REMEMBERED, REMEMBERED_BYTES = 1000, 16 * 1024 * 1024
_encode = msgspec.json.encode


class RecentDeadLetters:
    """The newest dead letters, kept in memory wherever else they go."""

    def __init__(self) -> None:
        self._letters: dict[int, DeadLetter] = {}
        self._size = 0

    def remember(self, letters: Iterable[DeadLetter]) -> None:
        """Keep dead letters that have arrived, once each however often they are sent."""
        for letter in letters:
            if letter.id not in self._letters:
                self._letters[letter.id] = letter
                self._size += len(letter.document)
        while len(self._letters) > REMEMBERED or self._size > REMEMBERED_BYTES:
            self._forget(next(iter(self._letters)))

    def find(self, topic: str | None, subscription: str | None) -> list[bytes]:
        """Return the dead letters of a topic or event subscription, oldest first.

        Each is the document as it was stored, with its blob's path in front.
        """
        matching = []
        for letter in self._letters.values():
            of_topic, of_subscription = letter.place
            if topic in (None, of_topic) and subscription in (None, of_subscription):
                blob = _encode(letter.blob)
                matching.append(b'{"blob":%b,%b' % (blob, letter.document[1:]))
        return matching

    def remove(self, is_meant: Callable[[DeadLetter], bool]) -> None:
        """Forget those that are meant."""
        for letter in list(self._letters.values()):
            if is_meant(letter):
                self._forget(letter.id)

    def _forget(self, letter_id: int) -> None:
        self._size -= len(self._letters.pop(letter_id).document)

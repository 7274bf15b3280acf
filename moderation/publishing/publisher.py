"""Publishing to the topic in somebody's name, which is noted behind the answer."""

from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from eventgrid_pull.publishing import publish
from eventgrid_pull.publishing.publish import Published, Publisher
from moderation.audit import actions
from moderation.audit.actions import ActionLog
from moderation.audit.write_behind import WriteBehind
from moderation.event_key import key_in
from moderation.publishing.publish_request import Json


class By(Protocol):
    """Who publishes."""

    @property
    def name(self) -> str:
        """Return who that is in the log."""

    @property
    def identity(self) -> str:
        """Return who that is in the events, which tell no person's name."""


class Publishing:
    """Publishes to the topic; `noted` are the lines that say who did."""

    def __init__(
        self, topic: Publisher, log: ActionLog, clock: Callable[[], datetime]
    ) -> None:
        self._topic = topic
        self._clock = clock
        self.noted = WriteBehind(log, clock)

    async def publish(self, events: list[Json], now: datetime, by: By) -> Published:
        """Publish the events, each with who published it, and note which are in.

        What is published stays so when that cannot be noted. Raises EventTooLarge.
        """
        result = await publish.publish(events, self._topic, now, by.identity)
        if accepted := result.accepted:
            keys = [key_in(event) for event in accepted]
            done = self._clock()
            line = actions.publish_action(
                by.name, by.identity, done, stamped=now, events=keys
            )
            self.noted.add(line, done)
        return result

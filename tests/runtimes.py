"""The app's runtime over a namespace and logs that a test brings."""

from collections.abc import Callable, Mapping
from datetime import datetime

import msgspec

from eventgrid_pull.blob.append_log import InMemoryAppendLog
from eventgrid_pull.consumer import Consumer, Namespace
from eventgrid_pull.draining.settle import Receiver
from eventgrid_pull.event import Decode
from eventgrid_pull.handlers.declaration import Declared
from eventgrid_pull.hooks import Hooks
from eventgrid_pull.publishing.publish import Publisher
from moderation.audit.recorder import Recording
from moderation.inspection.recognition import Probes
from moderation.pulling import pull
from moderation.runtime import Runtime, handled
from moderation.settings import Settings
from moderation.storage.logs import Logs
from moderation.topology import Topology
from tests.dead_letters import InMemoryDeadLetters
from tests.make import NOW


class InMemory:
    """A namespace of this topic and these event subscriptions."""

    def __init__(self, topic: Publisher, receivers: Mapping[str, Receiver]) -> None:
        self._topic = topic
        self._receivers = receivers

    def topic(self, name: str) -> Publisher:
        """Return the topic."""
        return self._topic

    def subscription(self, topic: str, name: str, decode: Decode) -> Receiver:
        """Return the event subscription of that name."""
        return self._receivers[name]

    async def close(self) -> None:
        """Do nothing."""


def a_runtime(
    settings: Settings,
    declared: Topology,
    namespace: Namespace,
    store: InMemoryAppendLog,
    clock: Callable[[], datetime] = lambda: NOW,
    **numbers: int | str,
) -> Runtime:
    """Return what `runtime.build` makes, but for where events come from and logs go.

    `numbers` are other ones than those that the event subscriptions are declared with.
    """
    logs = Logs(store, InMemoryAppendLog())
    recording = Recording(lambda: logs.audit, lambda: logs.activity, clock)
    probes = Probes(lambda: logs.actions)
    consumer = Consumer(
        {name: _with(numbers, pull.consumer.declared(name)) for name in handled()},
        lambda: (namespace, settings.topic),
        recorder=recording,
        clock=clock,
        hooks=Hooks(on_drained=recording.note, before=probes.before),
    )
    return Runtime(
        settings,
        declared,
        consumer=consumer,
        logs=logs,
        clock=clock,
        dead_letters=InMemoryDeadLetters(),
    )


def _with(changes: Mapping[str, int | str], declared: Declared) -> Declared:
    numbers = msgspec.structs.replace(declared.numbers, **changes)
    return msgspec.structs.replace(declared, numbers=numbers)

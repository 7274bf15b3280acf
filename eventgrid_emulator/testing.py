"""A namespace for one test: in memory, on a free port, gone at the end of the block."""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any, Concatenate, Self

import msgspec

from eventgrid_emulator.admin.controls import Place, Wait
from eventgrid_emulator.app import App
from eventgrid_emulator.auth.credentials import LOCAL_KEY
from eventgrid_emulator.operations.faults import Plan
from eventgrid_emulator.operations.throttle import Throttle
from eventgrid_emulator.queue.clock import Clock
from eventgrid_emulator.settings import Settings
from eventgrid_emulator.topology import topology
from eventgrid_emulator.topology.topology import Topology


class EmulatedNamespace:
    """`async with EmulatedNamespace(topology) as namespace:` gives an endpoint and a key.

    The topology is a file's path, the content of one as a dict, or a `Topology`; without
    one there is a topic `events` with an event subscription `all`. In code without an
    event loop use `with`: the namespace runs in a thread, and its methods block.
    """

    def __init__(
        self,
        declared: Topology | Path | dict[str, Any] | None = None,
        *,
        key: str = LOCAL_KEY,
        data: Path | None = None,
        dead_letters: str | None = None,
        throttle: Throttle | None = None,
        shortest_wait: float | None = None,
        clock: Clock | None = None,
        names: Sequence[str] = (),
        control_key: str | None = None,
    ) -> None:
        self.key = key
        settings = Settings(
            topology.read(declared),
            keys=(key,),
            data=data,
            dead_letters=dead_letters,
            throttle=throttle or Throttle(),
            names=names,
            shortest_wait=shortest_wait,
            control_key=control_key,
        )
        self.app = App(settings, clock)

    @property
    def endpoint(self) -> str:
        """Return where the namespace answers."""
        return self.app.endpoint

    @property
    def connection(self) -> dict[str, str]:
        """Return the settings of `EventGridPull(connection="EVENTGRID")`."""
        return {"EVENTGRID__endpoint": self.endpoint, "EVENTGRID__key": self.key}

    async def advance(self, seconds: float) -> None:
        """Move the clock forward, and do everything that is due by then."""
        await self.app.namespace.advance(seconds)

    async def declare(self, declared: Topology | Path | dict[str, Any]) -> None:
        """Apply another topology; queued events stay."""
        await self.app.namespace.reload(topology.read(declared))

    async def reset(self) -> None:
        """Empty everything, and put clock and topology back as they were at first."""
        await self.app.routes.admin.controls.reset()

    async def dead_letters(
        self, topic: str | None = None, subscription: str | None = None
    ) -> list[dict[str, Any]]:
        """Return what was dead-lettered, oldest first: the newest 1,000."""
        controls = self.app.routes.admin.controls
        listed = await controls.dead_letters(Place(topic, subscription))
        return [msgspec.json.decode(letter) for letter in listed]

    async def idle(self, subscription: str | None = None, seconds: float = 10) -> bool:
        """Wait until no event is held, at most so long; return whether none is."""
        wanted = Wait(None, subscription, seconds=seconds)
        reached, _ = await self.app.routes.admin.controls.wait(wanted)
        return reached

    def switch_faults(self, *faults: dict[str, Any], seed: int = 0) -> None:
        """Inject these faults from now on, and no others."""
        plan = {"faults": list(faults), "seed": seed}
        self.app.routes.faults.switch(msgspec.convert(plan, Plan))

    def __enter__(self) -> "NamespaceInThread":
        self._thread = NamespaceInThread(self)
        self._thread.start()
        return self._thread

    def __exit__(self, *problem: object) -> None:
        self._thread.stop()

    async def __aenter__(self) -> Self:
        await self.app.start()
        return self

    async def __aexit__(self, *problem: object) -> None:
        await self.app.stop()


def _in_thread[**P, T](
    method: Callable[Concatenate[EmulatedNamespace, P], Coroutine[Any, Any, T]],
) -> Callable[Concatenate["NamespaceInThread", P], T]:
    def run(self: "NamespaceInThread", /, *args: P.args, **options: P.kwargs) -> T:
        return self._run(method(self._namespace, *args, **options))

    run.__doc__ = method.__doc__
    return run


class NamespaceInThread:
    """A namespace with a loop and a thread of its own, for code that has no loop."""

    def __init__(self, namespace: EmulatedNamespace) -> None:
        self._namespace = namespace
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self.key = namespace.key

    def start(self) -> None:
        """Start the namespace; it answers on `endpoint` when this returns."""
        self._thread.start()
        try:
            self._run(self._namespace.__aenter__())
        except BaseException:
            self._end()
            raise
        self.endpoint = self._namespace.endpoint
        self.connection = self._namespace.connection

    def stop(self) -> None:
        """Close the port and end the thread."""
        try:
            self._run(self._namespace.__aexit__())
        finally:
            self._end()

    advance = _in_thread(EmulatedNamespace.advance)
    declare = _in_thread(EmulatedNamespace.declare)
    reset = _in_thread(EmulatedNamespace.reset)
    dead_letters = _in_thread(EmulatedNamespace.dead_letters)
    idle = _in_thread(EmulatedNamespace.idle)

    def switch_faults(self, *faults: dict[str, Any], seed: int = 0) -> None:
        """Inject these faults from now on, and no others."""
        self._namespace.switch_faults(*faults, seed=seed)

    def _run[T](self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def _end(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

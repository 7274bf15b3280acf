"""A namespace for one test: in memory, on a free port, gone at the end of the block."""

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import msgspec

from local.broker import topology
from local.broker.access import LOCAL_KEY
from local.broker.app import App, Settings
from local.broker.clock import Clock
from local.broker.faults import Plan
from local.broker.throttle import Throttle
from local.broker.topology import Topology


class LocalNamespace:
    """`async with LocalNamespace(topology) as namespace:` gives an endpoint and a key.

    The topology is a file's path, the content of one as a dict, or a `Topology`.
    """

    def __init__(
        self,
        declared: Topology | Path | dict[str, Any],
        *,
        key: str = LOCAL_KEY,
        data: Path | None = None,
        dead_letters: str | None = None,
        throttle: Throttle | None = None,
        clock: Clock | None = None,
        names: Sequence[str] = (),
    ) -> None:
        self.key = key
        settings = Settings(
            _topology(declared),
            keys=(key,),
            data=data,
            dead_letters=dead_letters,
            throttle=throttle,
            names=names,
        )
        self.app = App(settings, clock)

    @property
    def endpoint(self) -> str:
        """Where the namespace answers."""
        return self.app.endpoint

    async def advance(self, seconds: float) -> None:
        """The clock moves forward, and everything that is due by then happens."""
        await self.app.namespace.advance(seconds)

    async def declare(self, declared: Topology | Path | dict[str, Any]) -> None:
        """Another topology holds from now on; what is queued stays."""
        await self.app.namespace.reload(_topology(declared))

    def switch_faults(self, *faults: dict[str, Any], seed: int = 0) -> None:
        """These faults strike from now on, and only these."""
        plan = {"faults": list(faults), "seed": seed}
        self.app.routes.faults.switch(msgspec.convert(plan, Plan))

    async def __aenter__(self) -> Self:
        await self.app.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.app.stop()


def _topology(declared: Topology | Path | dict[str, Any]) -> Topology:
    match declared:
        case Topology():
            return declared
        case Path():
            return topology.load(declared)
        case _:
            return topology.parse(msgspec.json.encode(declared))

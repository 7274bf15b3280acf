"""The emulator as a whole: namespace, access, routes and the port they answer on."""

import asyncio
import contextlib
import logging
from pathlib import Path

from eventgrid_emulator.dead_letters.destinations import destination
from eventgrid_emulator.errors import Refusal
from eventgrid_emulator.http.server import Server
from eventgrid_emulator.namespace.namespace import Namespace
from eventgrid_emulator.queue.clock import Clock
from eventgrid_emulator.routes import Routes
from eventgrid_emulator.settings import Settings
from eventgrid_emulator.storage.sqlite import Store
from eventgrid_emulator.topology import topology
from eventgrid_emulator.topology.checks import TopologyError

logger = logging.getLogger(__name__)

LOOK_EVERY = 0.5
# The endpoint of one that listens on all addresses: clients cannot use those as a host.
ANYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  (not bound by this)


class App:
    """A namespace that answers on a port, from `start` to `stop`."""

    def __init__(self, settings: Settings, clock: Clock | None = None) -> None:
        letters = settings.dead_letters
        self.namespace = Namespace(
            settings.topology,
            name=settings.namespace,
            clock=clock,
            store=Store(settings.data) if settings.data is not None else None,
            dead_letters=destination(letters) if letters else None,
        )
        self.routes = Routes(self.namespace, settings)
        self._server = Server(self.routes.handle, settings.tls)
        self._scheme = "https" if settings.tls else "http"
        self._watching: asyncio.Task[None] | None = None
        self.endpoint = ""

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> None:
        """Answer on `endpoint`. Raises OSError when the port cannot be opened."""
        await self.namespace.start()
        await self._server.start(host, port)
        name = ANYWHERE.get(host, host)
        address = f"[{name}]" if ":" in name else name
        self.endpoint = f"{self._scheme}://{address}:{self._server.port}"

    def watch(self, path: Path) -> None:
        """Follow the topology in this file from now on."""
        self._watching = asyncio.create_task(self._watch(path))

    async def stop(self) -> None:
        """Answer receivers that wait, store what happened, close the port."""
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.gather(self._watching, return_exceptions=True)
        await self.namespace.close()
        await self._server.stop()

    async def _watch(self, path: Path) -> None:
        seen = _signature(path)
        while True:
            await asyncio.sleep(LOOK_EVERY)
            latest = _signature(path)
            if latest is not None and latest != seen and await self._reload(path):
                seen = latest

    async def _reload(self, path: Path) -> bool:
        """Return whether this version of the file needs no further attempt."""
        try:
            declared = topology.load(path)
            await self.namespace.reload(declared)
            self.routes.admin.controls.declared = declared
        except TopologyError as problem:
            logger.error("The topology in use is kept: %s", problem)
        except Refusal:
            return False  # nothing can be stored just now; the log has a line of it
        else:
            logger.info("The topology in %s is in use now", path)
        return True


def _signature(path: Path) -> tuple[int, int] | None:
    with contextlib.suppress(OSError):
        status = path.stat()
        return status.st_mtime_ns, status.st_size
    return None

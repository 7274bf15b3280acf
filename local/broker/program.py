"""The broker as a process: made from its options, served until told to stop."""

import asyncio
import logging
import signal
import sys
from types import FrameType

from local.broker import deadletters, topology
from local.broker.access import Access
from local.broker.namespace import Namespace
from local.broker.options import Options
from local.broker.problems import TopologyError
from local.broker.routes import Routes
from local.broker.server import Server
from local.broker.store import Store, StoreError

SIGNALS = (signal.SIGINT, signal.SIGTERM)
CANNOT_START = 1


async def serve(options: Options) -> int:
    """0 after an orderly stop, 1 with a line on stderr when it cannot start."""
    logging.basicConfig(
        level=logging.INFO, format="%(levelname)s %(name)s: %(message)s"
    )
    stop = asyncio.Event()
    _on_signals(stop)
    try:
        declared = topology.load(options.topology)
        namespace = _namespace(options, declared)
    except (TopologyError, StoreError) as problem:
        return _cannot_start(problem)
    routes = Routes(namespace, Access(options.keys))
    server = Server(routes.handle)
    await namespace.start()
    try:
        await server.start(options.host, options.port)
        _say(f"Event Grid broker on http://{options.host}:{server.port}")
        await stop.wait()
    except OSError as problem:
        return _cannot_start(
            f"Port {options.port} of {options.host} cannot be opened:"
            f" {problem.strerror or problem}. Stop what uses it, or give another --port."
        )
    finally:
        await namespace.close()
        await server.stop()
    return 0


def _namespace(options: Options, declared: topology.Topology) -> Namespace:
    store = Store(options.data) if options.data is not None else None
    to = options.dead_letters
    return Namespace(
        declared,
        name=options.namespace,
        store=store,
        dead_letters=deadletters.destination(to) if to else None,
    )


def _on_signals(stop: asyncio.Event) -> None:
    loop = asyncio.get_running_loop()

    def told(number: int, frame: FrameType | None) -> None:
        loop.call_soon_threadsafe(stop.set)

    for each in SIGNALS:
        signal.signal(each, told)


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _cannot_start(problem: object) -> int:
    sys.stderr.write(f"{problem}\n")
    return CANNOT_START

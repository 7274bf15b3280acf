"""The broker as a process: made from its options, served until told to stop."""

import asyncio
import contextlib
import logging
import signal
import sys
from types import FrameType

from local.broker import topology
from local.broker.app import App, Settings
from local.broker.identity import Identity, make
from local.broker.options import Options
from local.broker.problems import TopologyError
from local.broker.store import StoreError
from local.broker.throttle import Throttle

SIGNALS = (signal.SIGINT, signal.SIGTERM)
CANNOT_START = 1


async def serve(options: Options) -> int:
    """0 after an orderly stop, 1 with a line on stderr when it cannot start."""
    form = "%(levelname)s %(name)s: %(message)s"
    logging.basicConfig(level=logging.INFO, format=form)
    stop = asyncio.Event()
    _on_signals(stop)
    try:
        hosts = [options.host, *options.names]
        identity = make(options.tls, hosts) if options.tls else None
        app = App(_settings(options, identity))
    except (TopologyError, StoreError, ValueError, OSError) as problem:
        return _cannot_start(problem)
    option, port = "--port", options.port
    try:
        await app.start(options.host, port)
        if identity is not None:
            option, port = "--identity-port", options.identity_port
            await identity.start(port)
        app.watch(options.topology)
        _say(f"Event Grid broker on {app.endpoint}")
        await stop.wait()
    except OSError as problem:
        return _cannot_start(
            f"Port {port} cannot be opened: {problem.strerror or problem}."
            f" Stop what uses it, or give another {option}."
        )
    finally:
        if identity is not None:
            await identity.stop()
        await app.stop()
    return 0


def _settings(options: Options, identity: Identity | None) -> Settings:
    return Settings(
        topology.load(options.topology),
        namespace=options.namespace,
        keys=options.keys,
        data=options.data,
        dead_letters=options.dead_letters,
        throttle=Throttle(options.throughput_units, options.throttle_with),
        tokens=identity.tokens if identity else None,
        tls=identity.context if identity else None,
        names=options.names,
    )


def _on_signals(stop: asyncio.Event) -> None:
    loop = asyncio.get_running_loop()

    def told(number: int, frame: FrameType | None) -> None:
        loop.call_soon_threadsafe(stop.set)

    for each in SIGNALS:
        signal.signal(each, told)


def _say(line: str) -> None:
    with contextlib.suppress(OSError):  # of a full disk, when this goes to a file
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()


def _cannot_start(problem: object) -> int:
    sys.stderr.write(f"{problem}\n")
    return CANNOT_START

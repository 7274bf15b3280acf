"""The emulator as a process: made from its options, serving until it is stopped."""

import asyncio
import contextlib
import errno
import logging
import os
import signal
import socket
import sys
import threading
from typing import TextIO

import msgspec

from eventgrid_emulator.app import App
from eventgrid_emulator.auth.callers import LOCALHOST, is_loopback
from eventgrid_emulator.auth.identity import LOOPBACK, Identity
from eventgrid_emulator.cli.option_table import THROTTLED
from eventgrid_emulator.cli.options import Options
from eventgrid_emulator.dead_letters.destinations import check_destination
from eventgrid_emulator.operations.throttle import Throttle
from eventgrid_emulator.settings import Settings
from eventgrid_emulator.storage.sqlite import StoreError
from eventgrid_emulator.topology import topology
from eventgrid_emulator.topology.checks import TopologyError

SIGNALS = (signal.SIGINT, signal.SIGTERM)
CANNOT_START = 1
NO_ADDRESS = (socket.gaierror, UnicodeError)
DEFAULT = "No --topology is given: a topic `events` with an event subscription `all`"

logger = logging.getLogger(__name__)


async def serve(options: Options) -> int:
    """Serve until stopped; return 0 then, and 1 when it cannot start, with a line why."""
    _log(options)
    stop = asyncio.Event()
    _stop_on_signals(stop)
    if options.exit_with_parent:
        _stop_at_end_of_input(stop)
    identity = None
    try:
        if options.tls:
            identity = Identity(options.tls_folder, options.host, options.name)
        app = App(_settings(options, identity))
    except (TopologyError, StoreError, ValueError, OSError) as problem:
        return _refuse_to_start(problem)
    option, port = "--port", options.port
    try:
        await app.start(options.host, port)
        if identity is not None:
            option, port = "--identity-port", options.identity_port
            await identity.start(*_reached_at(options), port)
        _follow(options, app)
        _write(sys.stdout, ready_line(options, app, identity))
        await stop.wait()
    except (OSError, UnicodeError) as problem:
        return _refuse_to_start(_explain(problem, options.host, port, option))
    finally:
        if identity is not None:
            await identity.stop()
        await app.stop()
    return 0


def _log(options: Options) -> None:
    logging.basicConfig(
        level=logging.INFO, format="%(levelname)s %(name)s: %(message)s"
    )
    level = logging.DEBUG if options.verbose else logging.INFO
    logging.getLogger("eventgrid_emulator").setLevel(level)
    # The storage client writes forty lines about each dead letter.
    logging.getLogger("azure").setLevel(logging.WARNING)
    for line in options.unused:
        logger.warning("%s", line)


def _reached_at(options: Options) -> tuple[str, str]:
    """Return where the token endpoint listens, and what its clients call that.

    It is as open as the data plane only for clients that know this machine by a name.
    """
    is_here = options.host == LOCALHOST or is_loopback(options.host)
    if is_here or not options.name:
        return LOOPBACK, LOOPBACK
    return options.host, options.name[0]


def _explain(problem: OSError | UnicodeError, host: str, port: int, option: str) -> str:
    if isinstance(problem, NO_ADDRESS) or problem.errno == errno.EADDRNOTAVAIL:
        return (
            f"--host {host} is not an address of this machine. Use 127.0.0.1, or 0.0.0.0 to"
            " listen on all of them."
        )
    if problem.errno == errno.EACCES:
        return f"Port {port} needs more rights. Give another {option}, 1024 or higher."
    return (
        f"Port {port} cannot be opened: {problem.strerror or problem}."
        f" Stop what uses it, or give another {option}."
    )


def _settings(options: Options, identity: Identity | None) -> Settings:
    check_destination(options.dead_letters)
    return Settings(
        topology.read(options.topology or options.declared),
        namespace=options.namespace,
        keys=options.key,
        data=options.data,
        dead_letters=options.dead_letters,
        throttle=Throttle(options.throughput_units, THROTTLED[options.throttle_with]),
        check_token=identity.tokens.check if identity else None,
        tls=identity.context if identity else None,
        names=options.name,
        shortest_wait=options.shortest_wait,
        control_key=options.control_key,
    )


def _follow(options: Options, app: App) -> None:
    """Follow the topology's file; say what there is where nothing was declared."""
    if options.topology is not None:
        app.watch(options.topology)
    elif options.declared is None:
        logger.info("%s", DEFAULT)


def ready_line(options: Options, app: App, identity: Identity | None) -> str:
    """Return what is printed once it answers: a sentence, or all of it as JSON."""
    if not options.ready_json:
        return f"Event Grid emulator on {app.endpoint}"
    ready = {
        "endpoint": app.endpoint,
        "key": options.key[0],
        "caFile": identity.ca_file if identity else None,
        "identity": identity.environment if identity else None,
        "controlUrl": f"{app.endpoint}/_local",
        "topics": [
            {"topic": topic.name, "eventSubscriptions": list(topic.subscriptions)}
            for topic in app.namespace.topics.values()
        ],
    }
    return msgspec.json.encode(ready).decode()


def _stop_at_end_of_input(stop: asyncio.Event) -> None:
    """Stop when standard input ends: with the process that holds its other end."""
    loop = asyncio.get_running_loop()

    def wait_for_the_end() -> None:
        # Not sys.stdin.buffer: its lock, held here for ever, would abort the exit.
        with contextlib.suppress(OSError, ValueError, AttributeError):
            while os.read(sys.stdin.fileno(), 4096):
                pass
        with contextlib.suppress(RuntimeError):  # the loop has ended before
            loop.call_soon_threadsafe(stop.set)

    threading.Thread(target=wait_for_the_end, daemon=True).start()


def _stop_on_signals(stop: asyncio.Event) -> None:
    loop = asyncio.get_running_loop()

    for number in SIGNALS:
        signal.signal(number, lambda *_: loop.call_soon_threadsafe(stop.set))


def _write(stream: TextIO, line: object) -> None:
    with contextlib.suppress(OSError, AttributeError):  # a full disk's file, or closed
        stream.write(f"{line}\n")
        stream.flush()


def _refuse_to_start(problem: object) -> int:
    _write(sys.stderr, problem)
    return CANNOT_START

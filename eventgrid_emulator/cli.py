"""The emulator as a process: made from its options, served until told to stop."""

import asyncio
import contextlib
import errno
import logging
import signal
import socket
import sys
import tempfile
import threading
from pathlib import Path
from types import FrameType

import msgspec

from eventgrid_emulator.app import App, Settings
from eventgrid_emulator.auth.identity import CA_FILE, Identity, make
from eventgrid_emulator.cli_options import Options
from eventgrid_emulator.dead_letters.document import Folder, destination
from eventgrid_emulator.operations.throttle import Throttle
from eventgrid_emulator.storage.sqlite import StoreError
from eventgrid_emulator.topology import topology
from eventgrid_emulator.topology.checks import TopologyError
from eventgrid_emulator.topology.topology import Topology

SIGNALS = (signal.SIGINT, signal.SIGTERM)
CANNOT_START = 1
DEFAULT = "No --topology is given: a topic `events` with an event subscription `all`"

logger = logging.getLogger(__name__)
_EXTRA = {
    True: "--tls needs cryptography and PyJWT: pip install 'eventgrid-emulator[tls]'",
    False: "--dead-letters in a storage account needs azure-storage-blob: "
    "pip install 'eventgrid-emulator[blob]'",
}


async def serve(options: Options) -> int:
    """0 after an orderly stop, 1 with a line on stderr when it cannot start."""
    form = "%(levelname)s %(name)s: %(message)s"
    level = logging.DEBUG if options.verbose else logging.INFO
    logging.basicConfig(level=logging.INFO, format=form)
    logging.getLogger(__package__).setLevel(level)
    # The storage client writes forty lines about each dead letter.
    logging.getLogger("azure").setLevel(logging.WARNING)
    stop = asyncio.Event()
    _on_signals(stop)
    if options.exit_with_parent:
        _on_end_of_input(stop)
    try:
        hosts = [options.host, *options.names]
        identity = make(options.tls, hosts) if options.tls else None
        app = App(_settings(options, identity))
    except (TopologyError, StoreError, ValueError, OSError) as problem:
        return _cannot_start(problem)
    except ImportError as missing:
        return _cannot_start(
            f"{_EXTRA[options.tls is not None]} ({missing}). The emulator itself needs"
            " neither."
        )
    option, port = "--port", options.port
    try:
        await app.start(options.host, port)
        if identity is not None:
            option, port = "--identity-port", options.identity_port
            await identity.start(port)
        _follow(options, app)
        _say(ready_line(options, app, identity))
        await stop.wait()
    except OSError as problem:
        return _cannot_start(_not_opened(problem, options.host, port, option))
    finally:
        if identity is not None:
            await identity.stop()
        await app.stop()
    return 0


def _check_folder(dead_letters: str | None) -> None:
    """Raise ValueError for a folder that could not be written at the first dead letter."""
    if dead_letters is None or not isinstance(destination(dead_letters), Folder):
        return
    try:
        with tempfile.TemporaryFile(dir=_made(Path(dead_letters))):
            pass
    except OSError as problem:
        raise ValueError(
            f"--dead-letters {dead_letters} cannot be written: {problem.strerror}. Give "
            "another folder, or a storage connection string."
        ) from None


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _not_opened(problem: OSError, host: str, port: int, option: str) -> str:
    if isinstance(problem, socket.gaierror) or problem.errno == errno.EADDRNOTAVAIL:
        return f"--host {host} is no address of this machine: {problem.strerror}."
    if problem.errno == errno.EACCES:
        return f"Port {port} needs more rights. Give another {option}, 1024 or higher."
    return (
        f"Port {port} cannot be opened: {problem.strerror or problem}."
        f" Stop what uses it, or give another {option}."
    )


def _settings(options: Options, identity: Identity | None) -> Settings:
    _check_folder(options.dead_letters)
    return Settings(
        _declared(options),
        namespace=options.namespace,
        keys=options.keys,
        data=options.data,
        dead_letters=options.dead_letters,
        throttle=Throttle(options.throughput_units, options.throttle_with),
        tokens=identity.tokens if identity else None,
        tls=identity.context if identity else None,
        names=options.names,
        shortest_wait=options.shortest_wait,
        control_key=options.control_key,
    )


def _follow(options: Options, app: App) -> None:
    """Watch the topology's file; say what there is where nothing was declared."""
    if options.topology is not None:
        app.watch(options.topology)
    elif options.declared is None:
        logger.info("%s", DEFAULT)


def _declared(options: Options) -> Topology:
    if options.topology is not None:
        return topology.load(options.topology)
    if options.declared is None:
        return topology.parse(msgspec.json.encode(topology.DEFAULT))
    return options.declared


def ready_line(options: Options, app: App, identity: Identity | None) -> str:
    """Return what is said once it answers: a sentence, or all of it as JSON."""
    if not options.ready_json:
        return f"Event Grid emulator on {app.endpoint}"
    told = {
        "endpoint": app.endpoint,
        "key": options.keys[0],
        "caFile": str((identity.folder / CA_FILE).resolve()) if identity else None,
        "identity": identity.environment if identity else None,
        "controlUrl": f"{app.endpoint}/_local",
        "topics": [
            {"topic": topic.name, "eventSubscriptions": list(topic.subscriptions)}
            for topic in app.namespace.topics.values()
        ],
    }
    return msgspec.json.encode(told).decode()


def _on_end_of_input(stop: asyncio.Event) -> None:
    """Stop when standard input ends: with the process that holds its other end."""
    loop = asyncio.get_running_loop()

    def wait_for_the_end() -> None:
        with contextlib.suppress(OSError, ValueError):
            while sys.stdin.buffer.read(4096):
                pass
        with contextlib.suppress(RuntimeError):  # the loop has ended before
            loop.call_soon_threadsafe(stop.set)

    threading.Thread(target=wait_for_the_end, daemon=True).start()


def _on_signals(stop: asyncio.Event) -> None:
    loop = asyncio.get_running_loop()

    def told(number: int, frame: FrameType | None) -> None:
        loop.call_soon_threadsafe(stop.set)

    for each in SIGNALS:
        signal.signal(each, told)


def _say(line: str) -> None:
    with contextlib.suppress(OSError, AttributeError):  # a full disk's file, or closed
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()


def _cannot_start(problem: object) -> int:
    with contextlib.suppress(OSError, AttributeError):
        sys.stderr.write(f"{problem}\n")
    return CANNOT_START

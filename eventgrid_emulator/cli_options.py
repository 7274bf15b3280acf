"""The command line of the emulator."""

import argparse
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from eventgrid_emulator.auth.credentials import LOCAL_KEY, MAX_KEYS
from eventgrid_emulator.errors import Code
from eventgrid_emulator.topology.checks import TopologyError
from eventgrid_emulator.topology.topology import Topology, parse
from eventgrid_emulator.version import VERSION

PREFIX = "EVENTGRID_EMULATOR_"
THROTTLED = {"429": Code.TOO_MANY_REQUESTS, "403": Code.QUOTA_EXCEEDED}

DESCRIPTION = """\
An Azure Event Grid namespace on this machine: publish over HTTP to a topic, receive from
its event subscriptions by pull delivery. Use it with the azure-eventgrid SDK and
AzureKeyCredential, or with any HTTP client. Its README says how, in tests of any language.
"""
EPILOG = """\
Each option is also an environment variable: EVENTGRID_EMULATOR_PORT=0 is --port 0; a
flag takes 1, what may be given twice is separated by spaces. Options win.
Exit codes: 0 stopped, 1 cannot start (the line on stderr says why), 2 a wrong option.

The topology file declares the topic and its event subscriptions, with ARM's words:

  {"topic": "orders", "eventRetentionInDays": 1, "eventSubscriptions": [
     {"name": "sub-all", "receiveLockDurationInSeconds": 60, "maxDeliveryCount": 10,
      "eventTimeToLive": "P1D", "filtersConfiguration": {"includedEventTypes": null}}]}

Once it answers, the emulator prints one line with its address. Then, for example:

  curl -X POST 'http://127.0.0.1:6500/topics/orders:publish?api-version=2024-06-01' \\
    -H 'Authorization: SharedAccessKey KEY' \\
    -H 'Content-Type: application/cloudevents+json' \\
    -d '{"specversion":"1.0","id":"1","source":"/shop","type":"Ordered","data":{}}'
  curl -X POST -H 'Authorization: SharedAccessKey KEY' \\
    'http://127.0.0.1:6500/topics/orders/eventsubscriptions/sub-all:receive?api-version=2024-06-01'

Without --key, KEY is %(key)s
On this machine, and without a key: /_local/ is a page of what is queued, /_local/health
says whether all is well, POST /_local/clock {"advance": 3600} moves the clock an hour.
"""


@dataclass(frozen=True, slots=True)
class Options:
    """What the emulator was told."""

    host: str
    names: tuple[str, ...]
    port: int
    keys: tuple[str, ...]
    control_key: str | None
    topology: Path | None
    declared: Topology | None
    data: Path | None
    dead_letters: str | None
    namespace: str
    throughput_units: int | None
    throttle_with: Code
    tls: Path | None
    identity_port: int
    shortest_wait: float | None
    exit_with_parent: bool
    ready_json: bool
    verbose: bool


def parser() -> argparse.ArgumentParser:
    """The options, with help that is enough to use the emulator alone."""
    made = argparse.ArgumentParser(
        prog="eventgrid-emulator",
        description=DESCRIPTION,
        epilog=EPILOG % {"key": LOCAL_KEY},
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = made.add_argument
    add(
        "--host", default="127.0.0.1", help="address to listen on (default %(default)s)"
    )
    add(
        "--name",
        action="append",
        dest="names",
        default=[],
        type=_host_name,
        metavar="HOST",
        help="a host name to answer for besides localhost, as often as needed: a container's"
        " is what its clients call it",
    )
    add(
        "--port",
        type=_port,
        default=6500,
        help="port, 0 picks a free one (default %(default)s)",
    )
    add(
        "--key",
        action="append",
        dest="keys",
        metavar="KEY",
        help=f"access key, at most {MAX_KEYS} (default: the one at the end of this help)",
    )
    add(
        "--control-key",
        metavar="KEY",
        help="let other machines use /_local, too, with this password (HTTP Basic, any user"
        " name); without it only this machine does",
    )
    add("--version", action="version", version=f"%(prog)s {VERSION}")
    add(
        "--topology",
        type=Path,
        metavar="FILE",
        help="topics and event subscriptions (default: a topic `events` with an event"
        " subscription `all`)",
    )
    add("--topic", metavar="NAME", help="one topic of this name, instead of a file")
    add(
        "--subscription",
        action="append",
        dest="subscriptions",
        metavar="NAME[=TYPE,…]",
        help="an event subscription of that topic, for these event types or for all;"
        " may be given again",
    )
    add(
        "--data",
        type=_folder,
        metavar="DIR",
        help="keep everything in this folder (default: in memory)",
    )
    add(
        "--dead-letters",
        metavar="TO",
        help="storage connection string, UseDevelopmentStorage=true, or a folder"
        " (default: the newest 1,000 are kept in memory)",
    )
    add(
        "--namespace",
        type=_name,
        default="local",
        help="its name, part of dead-letter paths (default %(default)s)",
    )
    add(
        "--throughput-units",
        type=_units,
        metavar="N",
        help="throttle like a namespace of N throughput units, 1 to 40 (default: no limit)",
    )
    add(
        "--throttle-with",
        choices=sorted(THROTTLED),
        default="429",
        help="how a throttled request is refused: 429 TooManyRequests or 403 QuotaExceeded",
    )
    add(
        "--tls",
        action="store_true",
        help="serve HTTPS and issue Entra tokens; see --tls-folder",
    )
    add(
        "--tls-folder",
        type=Path,
        default=Path(".local", "tls"),
        metavar="DIR",
        help="where --tls writes ca.pem and identity.env, the variables a client needs"
        " (default %(default)s)",
    )
    add(
        "--identity-port",
        type=_port,
        default=0,
        help="port of the token endpoint under --tls (default: a free one)",
    )
    add(
        "--shortest-wait",
        type=_seconds,
        metavar="SECONDS",
        help="for tests: answer an empty receive after so many seconds, 0 to 10, however"
        " long it asked to wait (default: as long as it asked)",
    )
    add(
        "--exit-with-parent",
        action="store_true",
        help="stop when standard input ends, as it does when the parent process ends",
    )
    add(
        "--ready-json",
        action="store_true",
        help="say where it answers in one line of JSON, the only one on standard output",
    )
    add(
        "--verbose",
        action="store_true",
        help="log every request (default: only those that are refused)",
    )
    return made


def read_options(
    arguments: list[str], environ: Mapping[str, str] | None = None
) -> Options:
    """Return the options, or exit with status 2 and what is wrong.

    What is not given is looked for in the environment; see the help's last lines.
    """
    command = parser()
    given = command.parse_args(_from_environment(command, arguments, environ or {}))
    keys = tuple(given.keys or (LOCAL_KEY,))
    if len(keys) > MAX_KEYS:
        command.error(f"--key can be given {MAX_KEYS} times at most")
    if not all(key.strip() for key in keys):
        command.error("--key must not be empty")
    if given.control_key is not None and not given.control_key.strip():
        command.error("--control-key must not be empty")
    if given.topology and (given.topic or given.subscriptions):
        command.error(
            "--topology is a file; --topic and --subscription are without one"
        )
    try:
        declared = _declared(given.topic, given.subscriptions)
    except TopologyError as problem:
        command.error(str(problem))
    return Options(
        given.host,
        tuple(given.names),
        given.port,
        keys,
        given.control_key,
        given.topology,
        declared,
        given.data,
        given.dead_letters,
        given.namespace,
        given.throughput_units,
        THROTTLED[given.throttle_with],
        given.tls_folder if given.tls else None,
        given.identity_port,
        given.shortest_wait,
        given.exit_with_parent,
        given.ready_json,
        given.verbose,
    )


def _from_environment(
    command: argparse.ArgumentParser, arguments: list[str], environ: Mapping[str, str]
) -> list[str]:
    named = {argument.partition("=")[0] for argument in arguments}
    found: list[str] = []
    for action in command._actions:
        option = action.option_strings[-1] if action.option_strings else ""
        value = environ.get(
            PREFIX + option.removeprefix("--").replace("-", "_").upper()
        )
        if not value or option in named or action.dest in ("help", "version"):
            continue
        if action.nargs == 0:
            found += [option] if value.lower() in ("1", "true", "yes") else []
        elif option in ("--key", "--subscription"):
            found += [f"{option}={part}" for part in value.split()]
        else:
            found.append(f"{option}={value}")
    return [*found, *arguments]


def _declared(topic: str | None, subscriptions: list[str] | None) -> Topology | None:
    """Return what --topic and --subscription declare; None without both."""
    if topic is None and not subscriptions:
        return None
    declared = [
        {"name": name, "filtersConfiguration": {"includedEventTypes": _types(types)}}
        for name, _, types in (each.partition("=") for each in subscriptions or ["all"])
    ]
    document = {"topic": topic or "events", "eventSubscriptions": declared}
    return parse(msgspec.json.encode(document))


def _types(text: str) -> list[str] | None:
    return [each.strip() for each in text.split(",") if each.strip()] or None


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= 10:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 0 to 10")
    return seconds


def _folder(text: str) -> Path:
    if not text.strip():
        raise argparse.ArgumentTypeError("is empty; leave it out to keep all in memory")
    return Path(text)


def _name(text: str) -> str:
    if not re.fullmatch(r"[a-zA-Z0-9-]{3,50}", text):
        raise argparse.ArgumentTypeError(
            f"{text!r} is not 3 to 50 letters, digits or hyphens"
        )
    return text


def _host_name(text: str) -> str:
    if not re.fullmatch(r"[a-zA-Z0-9]([a-zA-Z0-9._-]*[a-zA-Z0-9])?", text):
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a host name; it has no scheme, no port and no path"
        )
    return text


def _units(text: str) -> int:
    if not re.fullmatch("[0-9]{1,2}", text) or not 1 <= int(text) <= 40:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 to 40")
    return int(text)


def _port(text: str) -> int:
    if not re.fullmatch("[0-9]{1,5}", text) or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port (0 to 65535)")
    return int(text)

"""The command line of the broker."""

import argparse
import re
from dataclasses import dataclass
from pathlib import Path

from local.broker.access import LOCAL_KEY, MAX_KEYS
from local.broker.errors import Code

DEFAULT_TOPOLOGY = Path(__file__).parents[2] / "moderation" / "topology.json"

THROTTLED = {"429": Code.TOO_MANY_REQUESTS, "403": Code.QUOTA_EXCEEDED}

DESCRIPTION = """\
An Azure Event Grid namespace on this machine: publish over HTTP to a topic, receive from
its event subscriptions by pull delivery. Use it with the azure-eventgrid SDK and
AzureKeyCredential, or with any HTTP client. docs/broker.md says what it honours.
"""
EPILOG = """\
The topology file declares the topic and its event subscriptions, with ARM's words:

  {"topic": "orders", "eventRetentionInDays": 1, "eventSubscriptions": [
     {"name": "sub-all", "receiveLockDurationInSeconds": 60, "maxDeliveryCount": 10,
      "eventTimeToLive": "P1D", "filtersConfiguration": {"includedEventTypes": null}}]}

Once it answers, the broker prints one line with its address. Then, for example:

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
    """What the broker was told."""

    host: str
    names: tuple[str, ...]
    port: int
    keys: tuple[str, ...]
    topology: Path
    data: Path | None
    dead_letters: str | None
    namespace: str
    throughput_units: int | None
    throttle_with: Code
    tls: Path | None
    identity_port: int


def parser() -> argparse.ArgumentParser:
    """The options, with help that is enough to use the broker alone."""
    made = argparse.ArgumentParser(
        prog="python -m local.broker",
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
        help=f"access key, at most {MAX_KEYS} (default: the key of local.settings.json.example)",
    )
    add(
        "--topology",
        type=Path,
        default=DEFAULT_TOPOLOGY,
        metavar="FILE",
        help="topic and event subscriptions (default moderation/topology.json)",
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
        help="storage connection string, UseDevelopmentStorage=true, or a folder (default: dropped)",
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
    return made


def read_options(arguments: list[str]) -> Options:
    """The options, or an exit with status 2 and what is wrong."""
    command = parser()
    given = command.parse_args(arguments)
    keys = tuple(given.keys or (LOCAL_KEY,))
    if len(keys) > MAX_KEYS:
        command.error(f"--key can be given {MAX_KEYS} times at most")
    if not all(key.strip() for key in keys):
        command.error("--key must not be empty")
    return Options(
        given.host,
        tuple(given.names),
        given.port,
        keys,
        given.topology,
        given.data,
        given.dead_letters,
        given.namespace,
        given.throughput_units,
        THROTTLED[given.throttle_with],
        given.tls_folder if given.tls else None,
        given.identity_port,
    )


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

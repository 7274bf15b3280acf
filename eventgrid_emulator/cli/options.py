"""The command line of the emulator, and the environment variables of its options."""

import argparse
import re
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn

from eventgrid_emulator.auth.credentials import LOCAL_KEY, MAX_KEYS
from eventgrid_emulator.cli import environment
from eventgrid_emulator.cli.option_table import OPTIONS, Option
from eventgrid_emulator.topology.checks import TopologyError
from eventgrid_emulator.topology.topology import Topology, read
from eventgrid_emulator.version import VERSION

WRONG_OPTION = 2
DESCRIPTION = """\
An Azure Event Grid namespace on this machine: publish over HTTP to a topic, receive from
its event subscriptions by pull delivery. Use it with the azure-eventgrid SDK and
AzureKeyCredential, or with any HTTP client. Its README says how, in tests of any language.
"""
EPILOG = """\
Each option is also an environment variable: EVENTGRID_EMULATOR_PORT=0 is --port 0; a
flag is 1 or 0, what may be given twice is separated by spaces. Options win.
Exit codes: 0 stopped, 1 cannot start (the line on stderr says why), 2 a wrong option,
130 interrupted before it answered.

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


class Options(argparse.Namespace):
    """The options that command line and environment give."""

    host: str
    name: list[str]
    port: int
    key: list[str]
    control_key: str | None
    topology: Path | None
    topic: str | None
    subscription: list[str]
    data: Path | None
    dead_letters: str | None
    namespace: str
    throughput_units: int | None
    throttle_with: str
    tls: bool
    tls_folder: Path
    identity_port: int
    shortest_wait: float | None
    exit_with_parent: bool
    ready_json: bool
    verbose: bool
    declared: Topology | None = None  # by --topic and --subscription
    unused: tuple[str, ...] = ()  # lines about variables that are no option's


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, of variables by their names."""

    reads_variables = False

    def error(self, message: str) -> NoReturn:
        """Exit with that line."""
        if self.reads_variables:
            option = re.compile(r"argument --([a-z-]+)")
            message = option.sub(lambda match: environment.variable(match[1]), message)
        self.exit(WRONG_OPTION, f"{self.prog}: {message}; see --help\n")


def parser() -> Parser:
    """Return the parser, with help that is enough to use the emulator alone."""
    command = Parser(
        prog="eventgrid-emulator",
        description=DESCRIPTION,
        epilog=EPILOG % {"key": LOCAL_KEY},
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    command.add_argument("--version", action="version", version=f"%(prog)s {VERSION}")
    for option in OPTIONS:
        _add(command, option)
    return command


def _add(command: Parser, option: Option) -> None:
    if option.default is False:
        command.add_argument(f"--{option.name}", action="store_true", help=option.help)
        return
    default = "" if option.default in (None, []) else " (default %(default)s)"
    command.add_argument(
        f"--{option.name}",
        action="append" if isinstance(option.default, list) else "store",
        default=option.default,
        type=option.read,
        metavar=option.metavar,
        help=option.help + default,
    )


def read_options(
    arguments: list[str], environ: Mapping[str, str] | None = None
) -> Options:
    """Return the options, or exit with status 2 and a line that says what is wrong.

    What is not given is looked for in the environment.
    """
    command = parser()
    options = _read_environment(arguments, environ or {})
    command.parse_args(arguments, namespace=options)
    options.key = options.key or [LOCAL_KEY]
    if len(options.key) > MAX_KEYS:
        command.error(f"--key can be given {MAX_KEYS} times at most")
    if options.topology and (options.topic is not None or options.subscription):
        command.error(
            "--topology is a file; --topic and --subscription are without one"
        )
    try:
        options.declared = _declare(options.topic, options.subscription)
    except TopologyError as problem:
        command.error(str(problem))
    return options


def _read_environment(arguments: list[str], environ: Mapping[str, str]) -> Options:
    command = parser()
    command.reads_variables = True
    names = (word for word in arguments if word.startswith("--"))
    given = {name[2:].partition("=")[0] for name in names}
    try:
        words = environment.arguments(environ, given)
    except ValueError as problem:
        command.error(str(problem))
    options = command.parse_args(words, namespace=Options())
    options.unused = tuple(environment.unused(environ))
    return options


def _declare(topic: str | None, subscriptions: list[str]) -> Topology | None:
    """Return what --topic and --subscription declare; None without both."""
    if topic is None and not subscriptions:
        return None
    declared = []
    for item in subscriptions or ["all"]:
        name, _, text = item.partition("=")
        types = [kind.strip() for kind in text.split(",") if kind.strip()]
        filters = {"includedEventTypes": types or None}
        declared.append({"name": name, "filtersConfiguration": filters})
    name = "events" if topic is None else topic
    return read({"topic": name, "eventSubscriptions": declared})

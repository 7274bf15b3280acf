"""`python3 dev.py keys`: keys for readers and operators, in Azure or on this machine."""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from tools.azure import outputs
from tools.stack import options
from tools.stack.settings import local_keys
from tools.stack.settings.local_keys import OPERATOR, READER, READING
from tools.terminal import CannotGoOn, exit_code, say


class Shell(NamedTuple):
    """How a shell sets and names a variable, and makes a secret."""

    assign: str
    value: str
    secret: str

    def set(self, name: str, value: str) -> str:
        """Return the line that gives a variable a value."""
        return self.assign.format(name=name, value=value)


SHELLS = {
    "bash": Shell("{name}={value}", '"${name}"', "$(openssl rand -hex 32)"),
    "powershell": Shell(
        "${name} = {value}",
        "${name}",
        # As Windows PowerShell 5.1 can do it, too.
        "& { $b = [byte[]]::new(32); "
        "[Security.Cryptography.RandomNumberGenerator]::Create().GetBytes($b); "
        "-join ($b | ForEach-Object { $_.ToString('x2') }) }",
    ),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Show the commands, or the keys of this machine; return 0, or 1 if it fails."""
    given = _options().parse_args(arguments)
    try:
        if given.local:
            _local(given.data.absolute() / local_keys.FILE, READING, given.show)
        else:
            for line in commands(given.shell, *_where(given), READING):
                say(line)
    except (CannotGoOn, OSError) as error:
        say(f"dev.py keys: {error}")
        return 1
    return 0


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="dev.py keys",
        description="A reader's key opens the functions that only read, an operator's "
        "opens all. Without --local this prints the az commands that set both in Azure, "
        "and runs none of them; each secret is made by the shell that runs them.",
    )
    parser.add_argument(
        "--local",
        action="store_true",
        help="make the keys of this machine's stand-in host (`dev.py run --enable-auth`)",
    )
    parser.add_argument(
        "--show",
        choices=(READER, OPERATOR),
        help="with --local: print that key and nothing else",
    )
    options.declare_data(parser)
    parser.add_argument(
        "--shell",
        choices=SHELLS,
        default="powershell" if os.name == "nt" else "bash",
        help="whose commands to print (default: %(default)s)",
    )
    parser.add_argument(
        "--resource-group", metavar="RG", help="default: AZURE_RESOURCE_GROUP of azd"
    )
    parser.add_argument(
        "--app", metavar="NAME", help="default: AZURE_FUNCTION_NAME of azd"
    )
    return parser


def _where(given: argparse.Namespace) -> tuple[str, str]:
    """Return resource group and app, with placeholders for what is unknown."""
    group = given.resource_group or outputs.azd_value("AZURE_RESOURCE_GROUP")
    app = given.app or outputs.azd_value("AZURE_FUNCTION_NAME")
    return group or "<resource group>", app or "<app>"


def commands(shell: str, group: str, app: str, functions: Sequence[str]) -> list[str]:
    """Return what to run, line by line: no line holds a secret."""
    syntax = SHELLS[shell]
    group_variable, app_variable, reader, operator = (
        syntax.value.replace("{name}", name)
        for name in ("GROUP", "APP", "READER", "OPERATOR")
    )
    there = f"--resource-group {group_variable} --name {app_variable}"
    quietly = "--output none"
    reading = [
        f"az functionapp function keys set {there} --function-name {function} "
        f"--key-name {READER} --key-value {reader} {quietly}"
        for function in functions
    ]
    return [
        "# Reading: one value on each function that reads.",
        syntax.set("GROUP", f"'{group}'"),
        syntax.set("APP", f"'{app}'"),
        syntax.set("READER", syntax.secret),
        *reading,
        "# Operating: a key of the host, which opens every function.",
        syntax.set("OPERATOR", syntax.secret),
        f"az functionapp keys set {there} --key-type functionKeys --key-name {OPERATOR} "
        f"--key-value {operator} {quietly}",
        "# To hand them on, once:",
        f"echo {reader}",
        f"echo {operator}",
    ]


def _local(file: Path, functions: Sequence[str], show: str | None) -> None:
    keys = local_keys.make(file, functions)
    if show:
        say(getattr(keys, show))
        return
    say(
        f"{file} has both keys; a host that runs already does not know new ones.\n"
        f"  {READER:<9}opens {', '.join(functions)}\n"
        f"  {OPERATOR:<9}opens every function\n"
        "`python3 dev.py run --enable-auth` asks for them, and\n"
        "`python3 dev.py keys --local --show operator` prints one. func, which keeps its "
        "own in storage, does not know them: add --host stand-in where it is installed."
    )


if __name__ == "__main__":
    sys.exit(exit_code(main))

"""The keys of the stand-in host: one that opens what reads, one that opens everything."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from local.host.keys import BadKeyFile, Keys
from local.terminal import ROOT, CannotGoOn

FILE = "host-keys.json"
READER, OPERATOR = "reader", "operator"
# Asked of the app itself: it and its surroundings never import each other.
ASK = "from moderation.routes import ROUTES\nfor r in ROUTES: print(r.function, r.role)"


def reading_functions(app: Path = ROOT) -> list[str]:
    """The functions that a reader may call; CannotGoOn when the app has no such table."""
    asked = subprocess.run(
        [sys.executable, "-c", ASK],
        cwd=app,
        capture_output=True,
        text=True,
        check=False,
    )
    if asked.returncode:
        last = asked.stderr.strip().rpartition("\n")[2]
        raise CannotGoOn(f"{app} does not say what its functions are: {last}")
    listed = (line.split() for line in asked.stdout.splitlines())
    return [function for function, role in listed if role == READER]


class LocalKeys(NamedTuple):
    """The two keys for callers, and the one of the admin API."""

    reader: str
    operator: str
    master: str


def make(file: Path, functions: Sequence[str]) -> LocalKeys:
    """See to it that the keys are in the file: the reader's is one value on each function.

    For before the host begins, which reads the file once. Raises CannotGoOn.
    """
    try:
        keys = Keys(file)
    except BadKeyFile as error:
        raise CannotGoOn(str(error)) from error
    owners = [keys.function_keys(function) for function in functions]
    reader = next((owner[READER] for owner in owners if READER in owner), None)
    for owner in owners:
        if reader is None or owner.get(READER) != reader:
            keys.set(owner, READER, reader)
            reader = owner[READER]
    host = keys.host_keys()
    if OPERATOR not in host:
        keys.set(host, OPERATOR, None)
    return LocalKeys(reader or "", host[OPERATOR], keys.master)

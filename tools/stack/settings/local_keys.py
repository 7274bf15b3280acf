"""The keys of the stand-in host: one that opens what reads, one that opens everything."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from console.routes import ROUTES, Role
from functions_host.keys import BadKeyFile, Keys
from tools.terminal import CannotGoOn

FILE = "host-keys.json"
READER, OPERATOR = "reader", "operator"
# The functions that a reader may call.
READING = [route.function for route in ROUTES if route.role == Role.READER]


class LocalKeys(NamedTuple):
    """The two keys for callers, and the one of the admin API."""

    reader: str
    operator: str
    master: str


def make(file: Path, functions: Sequence[str]) -> LocalKeys:
    """Put missing keys into the file: the reader's is one value on each function.

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

"""The host names that are accepted; a website whose name leads here is refused.

A page whose name was made to lead to 127.0.0.1 would be of the same origin.
"""

import ipaddress
import re
from collections.abc import Iterable

HOST = re.compile(
    r"(?P<name>\[[0-9A-Fa-f:.]+\]|[0-9A-Za-z!$&'()._~-]+)(?::(?P<port>[0-9]*))?"
)
HIGHEST_PORT = 65535


class HostNames:
    """The names of this machine, and those that the host was given."""

    def __init__(self, given: Iterable[str]) -> None:
        self._given = {_plain(name) for name in given}

    def problem(self, host: str) -> tuple[int, str] | None:
        """Return the status and sentence that refuse a Host header, None if it is fine."""
        if not host:
            return 500, ""
        match = HOST.fullmatch(host)
        if not match:
            return 400, ""
        if float(match["port"] or 0) > HIGHEST_PORT:  # int() refuses very long ones
            return 500, ""
        name = _plain(match["name"])
        if name in self._given or _is_of_this_machine(name):
            return None
        return 403, (
            f"The host does not answer for {host}: it does for localhost and for each "
            "--name it was started with\n"
        )


def _plain(name: str) -> str:
    """Return the name as names are compared."""
    return name.lower().removesuffix(".").strip("[]")


def _is_of_this_machine(name: str) -> bool:
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False

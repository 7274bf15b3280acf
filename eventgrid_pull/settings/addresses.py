"""Read the addresses in settings: what is one, and what to say where nothing listens."""

import ipaddress
import re
from urllib.parse import urlsplit

_HOST = re.compile(
    r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*\.?|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*"
)
START = "`python3 dev.py run` starts the local stack"


def split(value: str) -> tuple[str, str] | None:
    """Return scheme and host of a URL that has both, and a port that can be one."""
    try:
        address = urlsplit(value)
        _ = address.port
    except ValueError:
        return None
    host = address.hostname or ""
    if not _HOST.fullmatch(host) or not value.isprintable() or " " in value:
        return None
    return (address.scheme, host) if address.scheme in ("http", "https") else None


def is_loopback(host: str) -> bool:
    """Return whether the host is this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def explain_refused(error: BaseException | None) -> str | None:
    """Return what to say of a connection that this machine refused; None for others.

    `error` is aiohttp's for a connection that failed.
    """
    host, port = getattr(error, "host", None), getattr(error, "port", None)
    cause = getattr(error, "os_error", None)
    if not isinstance(cause, ConnectionRefusedError) or not is_loopback(str(host)):
        return None
    return f"nothing listens on port {port} of this machine: {START}"

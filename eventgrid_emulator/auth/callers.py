"""Keeps websites out: what a visitor's browser sends on their behalf is refused."""

import base64
import hmac
import ipaddress
from collections.abc import Collection
from functools import lru_cache
from urllib.parse import urlsplit

from aiohttp import web

from eventgrid_emulator.errors import Code, Refusal, forbidden

LOCALHOST = "localhost"


class Callers:
    """
    Tells the programs of this machine from the pages of other websites.

    Whoever owns a name can make it lead to this machine (DNS rebinding), so only names
    that nobody else can own are accepted, and those given.
    """

    def __init__(
        self, names: Collection[str] = (), control_key: str | None = None
    ) -> None:
        self._names = frozenset(name.lower() for name in names)
        self._control_key = control_key

    def check(self, request: web.BaseRequest) -> None:
        """Refuse a request for a foreign name, or that another site's page sends."""
        host = request.headers.get("Host", "")
        if not self._is_ours(_name_in(host), _address(request, "sockname")):
            raise forbidden(
                f"The emulator does not answer for {host or 'no name'}: it does for "
                "localhost and for each --name it was started with"
            )
        origin = request.headers.get("Origin")
        if origin is not None and origin.partition("://")[2].lower() != host.lower():
            raise forbidden(f"A page of {origin} may not use the emulator")
        site = request.headers.get("Sec-Fetch-Site", "none")
        mode = request.headers.get("Sec-Fetch-Mode")
        is_visit = request.method == "GET" and mode == "navigate"  # follows a link
        if site not in ("none", "same-origin") and not is_visit:
            raise forbidden(f"A {site} page may not use the emulator")

    def check_control(self, request: web.BaseRequest) -> None:
        """Refuse other machines the use of `/_local` without the control key."""
        if is_loopback(_address(request, "peername")):
            return
        if self._control_key is None:
            raise forbidden(
                "/_local answers on the loopback address only; with --control-key it"
                " answers other machines, too"
            )
        if not _is_password(request.headers.get("Authorization"), self._control_key):
            raise Refusal(
                Code.UNAUTHORIZED,
                "/_local needs the password that --control-key has set",
                headers={"WWW-Authenticate": 'Basic realm="eventgrid-emulator"'},
            )

    def _is_ours(self, name: str, reached_at: str) -> bool:
        if name == LOCALHOST or name.endswith(f".{LOCALHOST}") or name in self._names:
            return True
        # Nobody else owns an address, but only a loopback one leads to loopback.
        return is_loopback(name) or (_is_address(name) and not is_loopback(reached_at))


@lru_cache(maxsize=256)
def is_loopback(address: str) -> bool:
    """Return whether only this machine reaches this address."""
    return _is_address(address) and ipaddress.ip_address(address).is_loopback


def _address(request: web.BaseRequest, end: str) -> str:
    """Return the address of one end: `sockname` is ours, `peername` the caller's."""
    name = request.transport and request.transport.get_extra_info(end)
    return str(name[0]).partition("%")[0] if name else ""


def _is_password(header: str | None, wanted: str) -> bool:
    """Return whether HTTP Basic credentials have this password, with any user name."""
    scheme, _, encoded = (header or "").partition(" ")
    try:
        _, _, password = base64.b64decode(encoded.strip()).partition(b":")
    except ValueError:
        return False
    return scheme.lower() == "basic" and hmac.compare_digest(password, wanted.encode())


@lru_cache(maxsize=256)
def _name_in(host: str) -> str:
    try:
        return (urlsplit(f"//{host}").hostname or "").partition("%")[0].rstrip(".")
    except ValueError:
        return ""


@lru_cache(maxsize=256)
def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True

"""What a page of another site sends: refused, because the browser may add a cookie to it."""

from collections.abc import Mapping
from urllib.parse import urlsplit

from console.auth import Refused


def refuse(headers: Mapping[str, str], *, easy_auth: bool) -> None:
    """Refuse what a page of another site sends. Raises Refused with 403.

    Browsers say so in Sec-Fetch-Site, old ones in Origin only. A page cannot send a
    header for a key without the host's leave (CORS); a cookie of Easy Auth it can.
    """
    if "x-functions-key" in headers and not easy_auth:
        return
    site = headers.get("sec-fetch-site")
    origin = headers.get("origin")
    if site is None:
        crosses = origin is not None and not _is_here(origin, headers.get("host", ""))
    else:
        crosses = site not in ("same-origin", "none")
    if crosses:
        detail = "the request comes from a page of another site"
        raise Refused(
            403, detail, "open the page of this app at /api/, or use a script"
        )


def _is_here(origin: str, host: str) -> bool:
    try:
        address = urlsplit(origin)
        default = {"http": 80, "https": 443}.get(address.scheme)
        here = urlsplit(f"//{host}")
        ports = (address.port or default, here.port or default)
    except ValueError:
        return False
    return (
        bool(address.hostname)
        and address.hostname == here.hostname
        and ports[0] == ports[1]
    )

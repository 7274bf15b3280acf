"""Which web pages from elsewhere may call functions: `CORS` of local.settings.json.

Answers as ASP.NET Core's middleware does under `func start`, but never for /admin.
"""

from dataclasses import dataclass
from urllib.parse import urlsplit

from aiohttp import web

DEFAULT_PORTS = {"http": 80, "https": 443}
ANY = frozenset({"*"})


@dataclass(frozen=True, slots=True)
class Policy:
    """The origins of pages that may call functions; `*` alone stands for any."""

    origins: frozenset[str]
    credentials: bool = False

    def add_headers(
        self, request: web.BaseRequest, response: web.Response
    ) -> web.Response:
        """Return the response with what a browser asks for, if the page may see it."""
        origin = request.headers.get("Origin")
        if origin is None or not (self.origins == ANY or origin in self.origins):
            return response
        headers = response.headers
        headers["Access-Control-Allow-Origin"] = "*" if self.origins == ANY else origin
        if self.credentials:
            headers["Access-Control-Allow-Credentials"] = "true"
        if is_preflight(request):
            if requested := request.headers.get("Access-Control-Request-Headers"):
                headers["Access-Control-Allow-Headers"] = requested
            method = request.headers["Access-Control-Request-Method"]
            headers["Access-Control-Allow-Methods"] = method
        if len(self.origins) > 1:
            headers.add("Vary", "Origin")
        return response


def is_preflight(request: web.BaseRequest) -> bool:
    """Return whether a browser asks if it may send another request."""
    return (
        request.method == "OPTIONS"
        and "Origin" in request.headers
        and "Access-Control-Request-Method" in request.headers
    )


def normalize(written: str) -> str:
    """Return the origin as browsers send it: no path, no default port, lower case."""
    written = written.strip()
    try:
        parts = urlsplit(written.lower())
        port = parts.port
    except ValueError:
        return written.lower()
    if parts.scheme not in DEFAULT_PORTS or not parts.hostname:
        return written.lower()
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    explicit = port is not None and port != DEFAULT_PORTS[parts.scheme]
    return f"{parts.scheme}://{host}" + (f":{port}" if explicit else "")

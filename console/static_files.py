"""The page and its files, and an answer for every path that nothing else serves."""

import hashlib
import mimetypes
from functools import cache
from pathlib import Path

import msgspec

from console import openapi
from console.http import HEADERS, JSON, Reply, Request, problem
from console.routes import ROUTES

FOLDER = Path(__file__).parent / "web"
INDEX = "index.html"
CONTENT_SECURITY_POLICY = (
    "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; "
    "object-src 'none'"
)
TYPES = {".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}

# Which methods the other functions take; the host would answer 404 without a word.
METHODS = {route.path: route.method for route in ROUTES}


class _File(msgspec.Struct, frozen=True):
    body: bytes
    content_type: str
    etag: str


async def answer(request: Request) -> Reply:
    """Return the file of that path; 404, or 405 for the path of another function."""
    path = request.path.strip("/")
    if path in METHODS:
        return _not_here(path, request.method)
    file = _description() if path == openapi.PATH else _files().get(path or INDEX)
    if file is None:
        return _not_found(path)
    if request.method not in ("GET", "HEAD"):
        return _method_not_allowed(path, "GET, HEAD", request.method)
    last = request.url.partition("?")[0].rpartition("/")[2]
    if not path and last:
        # The page names its files relative to where it is: /api is one level too high.
        return Reply(301, b"", "text/plain", {**HEADERS, "Location": f"{last}/"})
    headers = {
        **HEADERS,
        "Cache-Control": "no-cache",
        "ETag": file.etag,
        "Content-Security-Policy": CONTENT_SECURITY_POLICY,
        "Referrer-Policy": "no-referrer",
    }
    if request.headers.get("if-none-match") == file.etag:
        return Reply(304, b"", file.content_type, headers)
    return Reply(200, file.body, file.content_type, headers)


def _not_here(path: str, method: str) -> Reply:
    allowed = METHODS[path]
    if method == allowed:
        detail = f"the function behind /api/{path} is switched off in this deployment"
        return problem(404, detail, next="ask whoever deployed it, or leave it out")
    return _method_not_allowed(path, allowed, method)


def _method_not_allowed(path: str, allowed: str, method: str) -> Reply:
    detail = f"/api/{path} takes {allowed}, not {method}"
    return problem(405, detail, next=f"send {allowed}", headers={"Allow": allowed})


def _not_found(path: str) -> Reply:
    known = ", ".join(f"/api/{route}" for route in METHODS)
    detail = f"there is nothing at /api/{path[:200]}"
    todo = f"the page is /api/, its description /api/{openapi.PATH}, the API {known}"
    return problem(404, detail, next=todo)


@cache
def _description() -> _File:
    return _file(openapi.encode(), JSON)


@cache
def _files() -> dict[str, _File]:
    """Return every file of the page, by its path; nothing else can be asked for."""
    return {
        path.relative_to(FOLDER).as_posix(): _read(path)
        for path in sorted(FOLDER.rglob("*"))
        if path.is_file()
    }


def _read(path: Path) -> _File:
    body = path.read_bytes()
    guessed = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    if guessed.startswith("text/"):
        guessed += "; charset=utf-8"
    return _file(body, TYPES.get(path.suffix, guessed))


def _file(body: bytes, content_type: str) -> _File:
    return _File(body, content_type, f'"{hashlib.sha256(body).hexdigest()[:16]}"')

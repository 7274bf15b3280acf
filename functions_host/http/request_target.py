"""The path and query of a request, decoded the way the Functions host decodes them."""

import re
from urllib.parse import quote_from_bytes

ESCAPES = re.compile(rb"(?:%[0-9A-Fa-f]{2})+")
ESCAPE = re.compile(r"%[0-9A-Fa-f]{2}")
# What may stand in a path as it is; everything else is escaped in the URL.
PATH_SAFE = "/!$&'()*+,;=:@-._~"


class BadTarget(Exception):
    """The request target is not one that the host takes."""


def split(raw: str) -> tuple[str, str]:
    """Return the decoded path, without dot segments, and the query as it came."""
    if not raw.isascii():
        raise BadTarget("bytes above 127 must be percent-encoded")
    if not raw.startswith("/"):
        # The absolute form, which proxies use: scheme://authority/path
        raw = "/" + raw.partition("://")[2].partition("/")[2]
    path, _, query = raw.partition("?")
    decoded = _unescape(path, keep=b"%2F")
    if "\0" in decoded:
        raise BadTarget("the path contains NUL")
    return _without_dots(decoded), query


def parameters(query: str) -> dict[str, str]:
    """Return the query's values: repeated names joined, empty values left out."""
    names: dict[str, str] = {}
    values: dict[str, list[str]] = {}
    for pair in query.split("&"):
        name, _, value = (_unescape(p) for p in pair.replace("+", " ").partition("="))
        key = names.setdefault(name.lower(), name)
        if value:
            values.setdefault(key, []).append(value)
    return {name: ",".join(found) for name, found in values.items()}


def url(scheme: str, host: str, path: str, query: str) -> str:
    """Return the URL for the function: the path escaped again, the query as it came."""
    escaped = "".join(
        piece
        if ESCAPE.fullmatch(piece)
        else quote_from_bytes(piece.encode(), PATH_SAFE)
        for piece in re.split(f"({ESCAPE.pattern})", path)
    )
    return f"{scheme}://{host}{escaped}" + (f"?{query}" if query else "")


def _unescape(text: str, keep: bytes = b"") -> str:
    """Return the text with its escapes decoded where they are UTF-8; others stay."""

    def decode(run: re.Match[bytes]) -> bytes:
        octets = [run[0][i : i + 3] for i in range(0, len(run[0]), 3)]
        return b"".join(_decoded(octets, keep))

    raw = text.encode("utf-8", "surrogateescape")
    return ESCAPES.sub(decode, raw).decode("utf-8", "replace")


def _decoded(escapes: list[bytes], keep: bytes) -> list[bytes]:
    decoded: list[bytes] = []
    while escapes:
        length, character = _character(escapes)
        kept = character is None or escapes[0].upper() == keep
        decoded.append(escapes[0] if kept else character or b"")
        del escapes[: 1 if kept else length]
    return decoded


def _character(escapes: list[bytes]) -> tuple[int, bytes | None]:
    """Return how many escapes make the first character, and it, None if none does."""
    octets = bytes(int(escape[1:], 16) for escape in escapes[:4])
    for length in range(1, len(octets) + 1):
        try:
            octets[:length].decode()
        except UnicodeDecodeError:
            continue
        return length, octets[:length]
    return 1, None


def _without_dots(path: str) -> str:
    if "/." not in path:
        return path
    kept: list[str] = []
    segments = path.split("/")[1:]
    for index, segment in enumerate(segments):
        last = index == len(segments) - 1
        if segment == "..":
            kept[-1:] = []
        if segment not in {".", ".."}:
            kept.append(segment)
        elif last:
            kept.append("")
    return "/" + "/".join(kept)

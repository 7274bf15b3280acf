"""The path and query of a request, decoded the way the Functions host decodes them."""

import re
from urllib.parse import quote, unquote

# The escapes of one character of UTF-8: as many as the first byte asks for.
CHARACTER = re.compile(
    "%[0-7][0-9A-F]|%[CD][0-9A-F]%[89AB][0-9A-F]|%E[0-9A-F](?:%[89AB][0-9A-F]){2}"
    "|%F[0-7](?:%[89AB][0-9A-F]){3}",
    re.IGNORECASE,
)
# What may stand in a path as it is; everything else is escaped in the URL.
PATH_SAFE = "/!$&'()*+,;=:@-._~"


class BadTarget(Exception):
    """The request target is not one that the host accepts."""


def split(raw: str) -> tuple[str, str]:
    """Return the decoded path, without dot segments, and the query as it came."""
    if not raw.isascii():
        raise BadTarget("bytes above 127 must be percent-encoded")
    if not raw.startswith("/"):
        # The absolute form, which proxies use: scheme://authority/path
        raw = "/" + raw.partition("://")[2].partition("/")[2]
    path, _, query = raw.partition("?")
    decoded = _unescape(path, keep="%2F")
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
    return {name: ",".join(texts) for name, texts in values.items()}


def url(scheme: str, host: str, path: str, query: str) -> str:
    """Return the URL for the function: the path escaped again, the query as it came."""
    # What looks like an escape in a decoded path is one that was not decoded.
    escaped = re.sub("%25(?=[0-9A-Fa-f]{2})", "%", quote(path, PATH_SAFE))
    return f"{scheme}://{host}{escaped}" + (f"?{query}" if query else "")


def _unescape(text: str, keep: str = "") -> str:
    """Return the text with its escapes decoded where they are UTF-8; others stay."""

    def decode(escapes: re.Match[str]) -> str:
        try:
            is_kept = escapes[0].upper() == keep
            return escapes[0] if is_kept else unquote(escapes[0], errors="strict")
        except UnicodeDecodeError:
            return escapes[0]

    return CHARACTER.sub(decode, text)


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

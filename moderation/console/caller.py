"""Who is asking: the user that Easy Auth signed in, or the bearer of a function key."""

import hashlib
from collections.abc import Mapping

import msgspec


class Caller(msgspec.Struct, frozen=True):
    """Who asks, as the audit log names them.

    `name` is the signed-in user, `key ` with the first 8 hex digits of the key's
    SHA-256, or `anyone` where the host asks for no key.
    """

    name: str


def of(headers: Mapping[str, str], params: Mapping[str, str]) -> Caller:
    """The caller of a request that the host let through."""
    key = headers.get("x-functions-key") or params.get("code")
    if not key:
        return Caller("anyone")
    return Caller(f"key {hashlib.sha256(key.encode()).hexdigest()[:8]}")

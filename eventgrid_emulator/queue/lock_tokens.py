"""The shape of a lock token: base64 of a 60-byte record that ends in 16 random bytes."""

import binascii
import uuid

SECRET_LENGTH = 16
_LENGTH = 60
_BEFORE_GUID = b"\x0a\x26\x0a\x24"
_BEFORE_SECRET = b"\x12\x12\x0a\x10"
_GUID = slice(len(_BEFORE_GUID), len(_BEFORE_GUID) + 36)
_SECRET_AT = _LENGTH - SECRET_LENGTH


def prefix(guid: uuid.UUID) -> bytes:
    """Return what every lock token made under this GUID begins with."""
    return _BEFORE_GUID + str(guid).upper().encode() + _BEFORE_SECRET


def encode(start: bytes, secret: bytes) -> bytes:
    """Return the lock token as it is in an answer."""
    return binascii.b2a_base64(start + secret, newline=False)


def decode(token: str) -> bytes | None:
    """Return the secret in a lock token, or None when it is not one."""
    try:
        raw = binascii.a2b_base64(token, strict_mode=True)
    except (binascii.Error, ValueError):
        return None
    well_formed = (
        len(raw) == _LENGTH
        and raw.startswith(_BEFORE_GUID)
        and raw[_GUID.stop : _SECRET_AT] == _BEFORE_SECRET
    )
    return raw[_SECRET_AT:] if well_formed else None

"""Every refusal of the emulator, with its status and code, in one table."""

import uuid
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from enum import Enum
from functools import partial
from types import MappingProxyType

import msgspec


class Code(Enum):
    """A `broker-errorcode` and the status it comes with.

    400 and 404 were recorded from the service; the others are assumptions named in
    RULES.md.
    """

    BAD_REQUEST = 400, "BadRequest"
    ARGUMENT_INVALID = 400, "ArgumentInvalid"
    UNAUTHORIZED = 401, "Unauthorized"
    FORBIDDEN = 403, "Forbidden"
    QUOTA_EXCEEDED = 403, "QuotaExceeded"
    NOT_FOUND = 404, "NotFound"
    METHOD_NOT_ALLOWED = 405, "MethodNotAllowed"
    TIMEOUT = 408, "Timeout"
    TOO_LARGE = 413, "RequestEntityTooLarge"
    UNSUPPORTED = 415, "UnsupportedMediaType"
    TOO_MANY_REQUESTS = 429, "TooManyRequests"
    INTERNAL = 500, "InternalServerError"
    UNAVAILABLE = 503, "ServiceUnavailable"

    def __init__(self, status: int, text: str) -> None:
        self.status = status
        self.text = text  # as in the header and the body


class Refusal(Exception):
    """A request is answered with an error; nothing was done for it."""

    def __init__(
        self,
        code: Code,
        message: str,
        retry_after: int | None = None,
        *,
        hint: str = "",
        headers: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.retry_after = retry_after
        self.headers = headers
        self.hint = hint  # for the log: what the service does not say


class TokenError(Enum):
    """Why one lock token was not settled: code and message."""

    BAD_TOKEN = "BadToken", "Cannot decode lockToken"
    TOKEN_LOST = "TokenLost", "Token has expired."
    INTERNAL = "InternalServerError", "The lock token could not be processed."

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        self.message = message


bad_request = partial(Refusal, Code.BAD_REQUEST)
unauthorized = partial(Refusal, Code.UNAUTHORIZED)
forbidden = partial(Refusal, Code.FORBIDDEN)
unsupported = partial(Refusal, Code.UNSUPPORTED)


def invalid_argument(name: str, allowed: str) -> Refusal:
    """Return a 400 `ArgumentInvalid` for a parameter; the log says what is allowed."""
    message = f"Invalid {name} parameter"
    return Refusal(Code.ARGUMENT_INVALID, message, hint=f"{name} is {allowed}")


def not_found(kind: str, name: str, known: Iterable[str]) -> Refusal:
    """Return a 404 for a topic or event subscription; the log lists the known ones."""
    hint = f"there are: {', '.join(known) or 'none'}"
    return Refusal(Code.NOT_FOUND, f"{kind} '{name}' is not found", hint=hint)


def error_body(code: Code, message: str, now: float) -> bytes:
    """Return the body of an error answer, with a tracking id of its own."""
    stamp = datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")
    error = {
        "code": code.text,
        "message": message.encode(errors="replace").decode(),
        "timestamp_utc": f"{stamp}000+00:00",
        "tracking_id": str(uuid.uuid4()).upper(),
    }
    return msgspec.json.encode({"error": error})

"""Who may do what: access keys and shared access signatures."""

import base64
import hashlib
import hmac
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import unquote, unquote_plus, urlsplit

from eventgrid_emulator.errors import forbidden, unauthorized

MAX_KEYS = 2
LOCAL_KEY = "bG9jYWwtZGV2ZWxvcG1lbnQta2V5LW5vdC1hLXNlY3JldA=="
_EXPIRY_FORMATS = ("%m/%d/%Y %I:%M:%S %p", "%m/%d/%Y %H:%M:%S")


@dataclass(frozen=True, slots=True)
class Resource:
    """What a request wants to use: a topic, or one event subscription of it."""

    topic: str
    subscription: str | None = None

    @property
    def path(self) -> str:
        """Return the path of the resource below the host."""
        if self.subscription is None:
            return f"/topics/{self.topic}"
        return f"/topics/{self.topic}/eventsubscriptions/{self.subscription}"


# Raises a refusal unless an Entra token is good for the resource.
type TokenCheck = Callable[[str, Resource], None]


@dataclass(frozen=True, slots=True)
class Access:
    """Lets a request in by key, shared access signature or Entra token, or refuses it."""

    keys: Sequence[str]
    check_token: TokenCheck | None = None

    def check(
        self,
        headers: Mapping[str, str],
        query: Mapping[str, str],
        resource: Resource,
        now: float,
    ) -> None:
        """Raise a 401 or 403 unless the request may go on."""
        scheme, _, credential = _authorization(headers, query).partition(" ")
        match scheme.lower():
            case "sharedaccesskey":
                self._check_key(credential)
            case "sharedaccesssignature":
                self._check_signature(credential, headers, resource, now)
            case "bearer":
                self._check_token(credential, resource)
            case "":
                raise unauthorized(
                    "No credentials: send `Authorization: SharedAccessKey <key>`"
                )
            case _:
                raise unauthorized(f"The authorization scheme '{scheme}' is unknown")

    def _check_key(self, given: str) -> None:
        if not any(_same(given.strip(), known) for known in self.keys):
            raise unauthorized("The access key is not one of this namespace's keys")

    def _check_token(self, token: str, resource: Resource) -> None:
        if self.check_token is None:
            raise unauthorized(
                "Entra tokens are accepted over TLS only: start the emulator with --tls"
            )
        self.check_token(token.strip(), resource)

    def _check_signature(
        self, token: str, headers: Mapping[str, str], resource: Resource, now: float
    ) -> None:
        signed, _, signature = token.strip().rpartition("&s=")
        parts = dict(part.partition("=")[::2] for part in signed.split("&"))
        if not signed or "r" not in parts or "e" not in parts:
            raise unauthorized(
                "A SAS token has the form r=<resource>&e=<expiry>&s=<signature>"
            )
        given = unquote(signature)
        if not any(_same(given, sign(signed, key)) for key in self.keys):
            raise unauthorized("The signature of the SAS token is wrong")
        if _expiry(parts["e"]) <= now:
            raise unauthorized("The SAS token has expired")
        if not _covers(unquote(parts["r"]), headers.get("Host", ""), resource):
            raise forbidden("The SAS token is for another resource")


def _authorization(headers: Mapping[str, str], query: Mapping[str, str]) -> str:
    """Return the credentials as the `Authorization` header has them, wherever they are."""
    if given := headers.get("Authorization"):
        return given
    if key := headers.get("aeg-sas-key") or query.get("aeg-sas-key"):
        return f"SharedAccessKey {key}"
    if token := headers.get("aeg-sas-token"):
        return f"SharedAccessSignature {token}"
    return ""


def sign(signed: str, key: str) -> str:
    """Return the base64 HMAC-SHA256 of the text under an access key."""
    try:
        secret = base64.b64decode(key, validate=True)
    except ValueError:
        secret = _bytes(key)
    return base64.b64encode(
        hmac.new(secret, _bytes(signed), hashlib.sha256).digest()
    ).decode()


def _same(given: str, wanted: str) -> bool:
    return hmac.compare_digest(_bytes(given), _bytes(wanted))


def _bytes(text: str) -> bytes:
    # Header bytes that are no UTF-8 arrive as lone surrogates.
    return text.encode(errors="surrogateescape")


def _expiry(text: str) -> float:
    plain = unquote_plus(text).strip()
    for form in _EXPIRY_FORMATS:
        try:
            return datetime.strptime(plain, form).replace(tzinfo=UTC).timestamp()
        except ValueError:
            continue
    try:
        at = datetime.fromisoformat(plain)
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        raise unauthorized("The expiry of the SAS token cannot be read") from None


def _covers(url: str, host: str, resource: Resource) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    if parts.netloc.lower() != host.lower():
        return False
    path = parts.path.rstrip("/").lower()
    topic = Resource(resource.topic).path.lower()
    return path in ("", topic, resource.path.lower())

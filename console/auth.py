"""Who is asking, and what they may do: a signed-in user, or the bearer of a function key.

Which of the two is the platform's to say (`routes.is_easy_auth_on`). With Easy Auth the
host asks for no key, and the user's app roles decide. Without it the host has asked for
the key, nothing is known of roles, and headers about users are anyone's to send.
"""

import base64
import hashlib
import re
from collections.abc import Mapping
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from console.http import Request
from console.routes import Role

PRINCIPAL = "x-ms-client-principal"
APP_ROLES = {Role.READER: "Moderation.Reader", Role.OPERATOR: "Moderation.Operator"}
ROLE_CLAIMS = ("roles", "http://schemas.microsoft.com/ws/2008/06/identity/claims/role")
NAME_CLAIMS = ("preferred_username", "name")
ID_CLAIMS = (
    "http://schemas.microsoft.com/identity/claims/objectidentifier",
    "oid",
)
LONGEST_PRINCIPAL = 64 * 1024
LONGEST_NAME = 256
# Enough that nobody finds a second key with the name of a first one.
KEY_DIGITS = 16

SOMEONE = "a user"
_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)

type Roles = Annotated[
    tuple[Role, ...] | None,
    Meta(description="what the caller may do; null: the host decides by the key"),
]


class Refused(Exception):
    """The caller may not do that; the message says why, `next` what to do."""

    def __init__(self, status: int, detail: str, next: str) -> None:
        super().__init__(detail)
        self.status = status
        self.next = next


class Caller(msgspec.Struct, frozen=True):
    """Who asks, as the audit log names them.

    `name` is the signed-in user, `key ` with the first 16 hex digits of the key's
    SHA-256, or `anyone` where the host asks for no key. `object_id` is the user's in
    Entra ID, if they have one.
    """

    name: str
    kind: Literal["user", "key", "anyone"] = "anyone"
    roles: Roles = None
    object_id: str | None = None

    @property
    def identity(self) -> str:
        """Return what tells callers apart and names no person: it travels in events."""
        return self.name if self.kind != "user" else self.object_id or SOMEONE


class _Claim(msgspec.Struct, frozen=True):
    typ: object = None
    val: object = None


class _Principal(msgspec.Struct, frozen=True):
    """What Easy Auth says about a user; names of claims differ between providers."""

    claims: list[_Claim]
    name_typ: str | None = None
    role_typ: str | None = None

    def values(self, *names: str | None) -> list[str]:
        """Return the values of the claims of these names."""
        return [
            claim.val
            for claim in self.claims
            if claim.typ in names and isinstance(claim.val, str) and claim.val
        ]


_principal = msgspec.json.Decoder(_Principal)


def of(request: Request, *, easy_auth: bool) -> Caller:
    """Return the caller of a request that the host let through.

    Raises Refused with 401 when Easy Auth is on and no user can be made out.
    """
    headers = request.headers
    if easy_auth:
        return _user(headers)
    key = _key(headers.get("x-functions-key") or request.params.get("code") or "")
    if not key:
        return Caller("anyone")
    digest = hashlib.sha256(key.encode(errors="surrogatepass")).hexdigest()
    return Caller(f"key {digest[:KEY_DIGITS]}", "key")


def _key(given: str) -> str:
    """Return the key that the host let in: the first of those that were sent.

    The host looks at the first header, and at the first `code`, alone; the app sees all
    of them joined with commas. So no key of Azure's has one.
    """
    return given.partition(",")[0].strip()


def admit(caller: Caller, role: Role) -> None:
    """Let the caller do what that role may. Raises Refused with 403."""
    if caller.roles is None or role in caller.roles:
        return
    detail = f"{caller.name} lacks the app role {APP_ROLES[role]}"
    todo = "ask for it: docs/operations.md has the az commands; then sign in again"
    raise Refused(403, detail, todo)


def _user(headers: Mapping[str, str]) -> Caller:
    given = headers.get(PRINCIPAL, "")
    if not given:
        detail = "nobody is signed in"
        todo = "sign in at /.auth/login/aad, or send a token of Entra ID as Bearer"
        raise Refused(401, detail, todo)
    try:
        if len(given) > LONGEST_PRINCIPAL:
            raise ValueError("too long")
        principal = _principal.decode(base64.b64decode(given, validate=True))
    except (ValueError, RecursionError) as error:
        detail = f"the header {PRINCIPAL} cannot be read"
        todo = "sign out at /.auth/logout, and in again"
        raise Refused(401, detail, todo) from error
    name, roles = _name(headers, principal), _roles(principal)
    return Caller(name, "user", roles, _object_id(headers, principal))


def _name(headers: Mapping[str, str], principal: _Principal) -> str:
    """Return the user's, or the id of a program that has no name."""
    known = (
        headers.get(f"{PRINCIPAL}-name"),
        *principal.values(principal.name_typ, *NAME_CLAIMS),
        headers.get(f"{PRINCIPAL}-id"),
    )
    return next((name for name in known if name), SOMEONE)[:LONGEST_NAME]


def _object_id(headers: Mapping[str, str], principal: _Principal) -> str | None:
    """Return the user's id in Entra ID; other providers' may be a name or an address."""
    known = (*principal.values(*ID_CLAIMS), headers.get(f"{PRINCIPAL}-id", ""))
    return next((name.lower() for name in known if _GUID.fullmatch(name)), None)


def _roles(principal: _Principal) -> tuple[Role, ...]:
    held = set(principal.values(principal.role_typ, *ROLE_CLAIMS))
    if APP_ROLES[Role.OPERATOR] in held:
        return tuple(Role)
    return (Role.READER,) if APP_ROLES[Role.READER] in held else ()

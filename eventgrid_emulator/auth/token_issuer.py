"""Tokens as Entra would issue them, and an endpoint like App Service's for them."""

import hmac
import secrets
import time
import uuid
from collections.abc import Collection

import jwt
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import rsa

from eventgrid_emulator.auth.callers import Callers
from eventgrid_emulator.auth.credentials import Resource
from eventgrid_emulator.errors import Code, Refusal, bad_request, unauthorized
from eventgrid_emulator.http.responses import json_reply

AUDIENCE = "https://eventgrid.azure.net"
ISSUER = "https://sts.windows.net/00000000-0000-0000-0000-000000000000/"
LIFETIME = 86_400
API_VERSION = "2019-08-01"


class Issuer:
    """Issues tokens and judges them: its own, unexpired, for Event Grid."""

    def __init__(self, path: str, names: Collection[str] = ()) -> None:
        self._path = path
        self._callers = Callers(names)
        self.header = secrets.token_hex(16).upper()
        self.client_id = str(uuid.uuid4())
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)

    def issue(self, resource: str, lifetime: float = LIFETIME) -> str:
        """Return a token for this resource."""
        now = int(time.time())
        claims = {
            "aud": resource,
            "iss": ISSUER,
            "iat": now,
            "nbf": now,
            "exp": int(now + lifetime),
            "appid": self.client_id,
            "oid": self.client_id,
            "ver": "1.0",
        }
        return jwt.encode(claims, self._key, algorithm="RS256")

    def check(self, token: str, resource: Resource) -> None:
        """Accept a good token; refuse any other with a 401 that says what is wrong."""
        try:
            claims = jwt.decode(
                token,
                self._key.public_key(),
                algorithms=["RS256"],
                issuer=ISSUER,
                options={
                    "require": ["exp", "aud", "iss"],
                    "verify_aud": False,
                    "verify_exp": False,
                    "verify_nbf": False,
                    "verify_iat": False,
                },
            )
        except (jwt.InvalidTokenError, ValueError) as problem:
            raise unauthorized(f"The token is not one of ours: {problem}") from None
        audience = claims["aud"]
        if not isinstance(audience, str) or audience.rstrip("/") != AUDIENCE:
            raise unauthorized(f"The token's audience must be {AUDIENCE}")
        if not isinstance(claims["exp"], int) or claims["exp"] <= time.time():
            raise unauthorized("The token has expired")

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer as the identity endpoint of App Service does."""
        try:
            self._callers.check(request)
            return json_reply(self._answer(request))
        except Refusal as refusal:
            status, code = refusal.code.status, refusal.code.text
            answer = {"statusCode": status, "code": code, "message": refusal.message}
            return json_reply(answer, status)

    def _answer(self, request: web.BaseRequest) -> dict[str, str]:
        if request.path.rstrip("/") != self._path or request.method != "GET":
            raise Refusal(Code.NOT_FOUND, f"Tokens are at GET {self._path}")
        given = request.headers.get("X-IDENTITY-HEADER", "").encode(errors="replace")
        if not hmac.compare_digest(given, self.header.encode()):
            raise unauthorized("X-IDENTITY-HEADER is wrong")
        if request.query.get("api-version") != API_VERSION:
            raise bad_request(f"api-version must be {API_VERSION}")
        resource = request.query.get("resource")
        if not resource:
            raise bad_request("`resource` is required")
        return {
            "access_token": self.issue(resource),
            "expires_on": str(int(time.time()) + LIFETIME),
            "resource": resource,
            "token_type": "Bearer",
            "client_id": self.client_id,
        }

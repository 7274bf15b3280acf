"""Where the namespace is and who signs in, as Functions spells connections.

`EVENTGRID__endpoint`, with `EVENTGRID__key`, or with `EVENTGRID__credential` set to
`managedidentity` (and `EVENTGRID__clientId` for a user-assigned one), or with neither:
then whoever `DefaultAzureCredential` finds. `EVENTGRID_ENDPOINT` and `EVENTGRID_KEY` are
read, too.
"""

import ipaddress
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import msgspec
from azure.core.credentials import AzureKeyCredential
from azure.core.credentials_async import AsyncTokenCredential

type Credential = AzureKeyCredential | AsyncTokenCredential

EXAMPLE = "https://<namespace>.<region>-1.eventgrid.azure.net"
MANAGED_IDENTITY = "managedidentity"


class ConnectionInvalid(Exception):
    """Settings of the connection are missing or malformed; `problems` names each."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


class Connection(msgspec.Struct, frozen=True):
    """An endpoint, and a key or the client id of an identity; neither: the default."""

    endpoint: str
    key: str | None = None
    is_managed_identity: bool = False
    client_id: str | None = None

    def __repr__(self) -> str:
        """Return it without the key: it may end up in a log line."""
        return f"Connection(endpoint={self.endpoint!r}, …)"

    def credential(self) -> Credential:
        """Return what the clients sign in with. Raises ImportError without azure-identity."""
        if self.key is not None:
            return AzureKeyCredential(self.key)
        # Imported here because it costs 150 ms of a cold start, and a key needs none of it.
        from azure.identity import aio

        if self.is_managed_identity:
            return aio.ManagedIdentityCredential(client_id=self.client_id)
        return aio.DefaultAzureCredential()


def read(prefix: str, environ: Mapping[str, str]) -> Connection:
    """Return the connection of that name. Raises ConnectionInvalid with every problem."""
    settings = _Settings(prefix, environ)
    endpoint, endpoint_name = settings.get("endpoint")
    key, key_name = settings.get("key")
    kind, kind_name = settings.get("credential")
    client_id, client_id_name = settings.get("clientId")
    problems = [*_endpoint_problems(endpoint, endpoint_name, key, key_name)]
    if key and not (key.isascii() and key.isprintable()):
        problems.append(
            f"{key_name} must be one line of printable ASCII, as it was copied"
        )
    if kind and kind.lower() != MANAGED_IDENTITY:
        problems.append(f"{kind_name} must be {MANAGED_IDENTITY}, or not set")
    if kind and key:
        problems.append(f"{kind_name} is set, and so is {key_name}: set only one")
    if client_id and not kind:
        problems.append(f"{client_id_name} needs {kind_name}={MANAGED_IDENTITY}")
    if problems:
        raise ConnectionInvalid(problems)
    return Connection(endpoint, key or None, bool(kind), client_id or None)


class _Settings:
    """The settings of one connection, their names in any case as in Functions."""

    def __init__(self, prefix: str, environ: Mapping[str, str]) -> None:
        self._prefix = prefix
        self._environ = {name.lower(): (name, text) for name, text in environ.items()}

    def get(self, member: str) -> tuple[str, str]:
        """Return value and name of the setting; without one, empty and its usual name."""
        usual = f"{self._prefix}__{member}"
        for name in (usual, f"{self._prefix}_{member}"):
            found, value = self._environ.get(name.lower(), ("", ""))
            if value.strip():
                return value.strip(), found
        return "", usual


def _endpoint_problems(endpoint: str, name: str, key: str, key_name: str) -> list[str]:
    if not endpoint:
        return [f"{name} is not set: the namespace's endpoint, as {EXAMPLE}"]
    address = _split(endpoint)
    if address is None:
        return [f"{name} must be a URL with its scheme, as {EXAMPLE}"]
    if address.scheme == "http" and not _is_loopback(address.hostname or ""):
        return [f"{name} must begin with https:// (http is for this machine)"]
    if address.scheme == "http" and not key:
        return [f"{name} is http, where only a key is sent: set {key_name}"]
    return []


def _split(url: str) -> Any:
    try:
        address = urlsplit(url)
        _ = address.port
    except ValueError:
        return None
    known = address.scheme in ("http", "https") and address.hostname
    return address if known else None


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"

"""Where the namespace is and who signs in, as Functions spells connections.

`EVENTGRID__endpoint`, with `EVENTGRID__key`, or with `EVENTGRID__credential` set to
`managedidentity` (and `EVENTGRID__clientId` for a user-assigned one), or with neither:
then whoever `DefaultAzureCredential` finds. `EVENTGRID_ENDPOINT` and `EVENTGRID_KEY` are
read, too; names may be in any case.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import msgspec

from eventgrid_pull.settings import addresses, setting_values

if TYPE_CHECKING:  # 100 ms that nobody waits for who only wants to know the functions
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


class Connection(msgspec.Struct, frozen=True, kw_only=True):
    """An endpoint, and who signs in: `given`, a key, an identity, or the default one.

    `endpoint_name` and `key_name` are the settings that have them, or would.
    """

    endpoint: str
    key: str | None = None
    is_managed_identity: bool = False
    client_id: str | None = None
    given: Credential | None = None
    endpoint_name: str
    key_name: str

    def __repr__(self) -> str:
        """Return it without the key: it may end up in a log line."""
        return f"Connection(endpoint={self.endpoint!r}, …)"

    def credential(self) -> Credential:
        """Return what the client signs in with. Raises ConnectionInvalid without one."""
        if self.given is not None:
            return self.given
        if self.key is not None:
            from azure.core.credentials import AzureKeyCredential

            return AzureKeyCredential(self.key)
        try:
            # Imported here because it costs 150 ms of a cold start, and a key needs none.
            from azure.identity import aio

            if self.is_managed_identity:
                return aio.ManagedIdentityCredential(client_id=self.client_id)
            return aio.DefaultAzureCredential()
        except ImportError:
            problem = f"{self.key_name} is not set, and an identity needs the extra: pip install eventgrid-pull[identity]"
        except ValueError as error:  # as of AZURE_AUTHORITY_HOST
            problem = f"AZURE_… settings of the identity: {error}"
        raise ConnectionInvalid([problem])


def read(
    prefix: str,
    environ: Mapping[str, str],
    endpoint: str | None = None,
    credential: Credential | None = None,
) -> Connection:
    """Return the connection of that name; what is given is not looked up in settings.

    Raises ConnectionInvalid with every problem.
    """
    settings = _Settings(prefix, environ)
    found = (
        (endpoint, "endpoint=") if endpoint is not None else settings.get("endpoint")
    )
    if credential is not None:
        return _read_given(found, credential)
    key, key_name = settings.get("key")
    kind, kind_name = settings.get("credential")
    client_id, client_id_name = settings.get("clientId")
    problems = _endpoint_problems(*found, bool(key), key_name)
    if not (key.isascii() and key.isprintable()):
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
    return Connection(
        endpoint=found[0],
        key=key or None,
        is_managed_identity=bool(kind),
        client_id=client_id or None,
        endpoint_name=found[1],
        key_name=key_name,
    )


def _read_given(endpoint: tuple[str, str], credential: Credential) -> Connection:
    from azure.core.credentials import AzureKeyCredential

    has_key = isinstance(credential, AzureKeyCredential)
    if problems := _endpoint_problems(*endpoint, has_key, "credential="):
        raise ConnectionInvalid(problems)
    return Connection(
        endpoint=endpoint[0],
        given=credential,
        endpoint_name=endpoint[1],
        key_name="credential=",
    )


def read_topic(topic: str, environ: Mapping[str, str]) -> tuple[str, str]:
    """Return the topic, and what messages call it; it may be given as `%SETTING%`.

    Raises ConnectionInvalid when that setting is not set.
    """
    name = setting_values.setting_name(topic)
    if name is None:
        return topic, f"the topic's name ({topic})"
    if not (found := setting_values.setting(name, environ)):
        raise ConnectionInvalid([f"{name} is not set: the name of the topic"])
    return found, name


class _Settings:
    """The settings of one connection, their names in any case as in Functions."""

    def __init__(self, prefix: str, environ: Mapping[str, str]) -> None:
        self._prefix = prefix
        self._environ = {name.lower(): (name, text) for name, text in environ.items()}
        old = f"{prefix}_endpoint".lower()
        self._is_old = bool(self._environ.get(old, ("", ""))[1].strip())

    def get(self, member: str) -> tuple[str, str]:
        """Return value and name of the setting; without one, empty and its usual name."""
        usual, old = f"{self._prefix}__{member}", f"{self._prefix}_{member}".upper()
        for name in (usual, old):
            found, value = self._environ.get(name.lower(), ("", ""))
            if value.strip():
                return value.strip(), found
        return "", old if self._is_old and member in ("endpoint", "key") else usual


def _endpoint_problems(
    endpoint: str, name: str, has_key: bool, key_name: str
) -> list[str]:
    if not endpoint:
        return [f"{name} is not set: the namespace's endpoint, as {EXAMPLE}"]
    address = addresses.split(endpoint)
    if address is None:
        return [f"{name} must be a URL with its scheme, as {EXAMPLE}"]
    scheme, host = address
    if scheme == "http" and not addresses.is_loopback(host):
        return [f"{name} must begin with https:// (http is for this machine)"]
    if scheme == "http" and not has_key:
        return [f"{name} is http, where only a key is sent: set {key_name}"]
    return []

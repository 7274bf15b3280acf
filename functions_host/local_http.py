"""What `Host` in local.settings.json says: the port, and which pages may call."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from functions_host import settings
from functions_host.http import cors
from functions_host.settings import BadSettings

DEFAULT_PORT = 7071
HIGHEST_PORT = 65535
BOOLEANS = {"true": True, "false": False}


@dataclass(frozen=True, slots=True)
class LocalHttp:
    """How functions are served on this machine."""

    port: int = DEFAULT_PORT
    policy: cors.Policy | None = None


def read(app_dir: Path) -> LocalHttp:
    """Return what `func start` reads there. Raises BadSettings for what it refuses."""
    path = app_dir / "local.settings.json"
    if not path.is_file():
        return LocalHttp()
    section = settings.section(path, settings.read(path), "Host")
    given = {name.lower(): value for name, value in section.items()}
    return LocalHttp(_port(path, given), _policy(path, given))


def _port(path: Path, given: Mapping[str, Any]) -> int:
    port = str(given.get("localhttpport") or DEFAULT_PORT)
    if not (port.isascii() and port.isdecimal() and int(port) <= HIGHEST_PORT):
        raise BadSettings(
            f'{path}: "LocalHttpPort" must be a port, 1 to {HIGHEST_PORT}'
        )
    return int(port) or DEFAULT_PORT


def _policy(path: Path, given: Mapping[str, Any]) -> cors.Policy | None:
    origins = given.get("cors") or ""
    if not isinstance(origins, str):
        raise BadSettings(
            f'{path}: "CORS" must be one string, like "http://localhost:3000,https://b"'
        )
    written = str(given.get("corscredentials") or False).lower()
    if (credentials := BOOLEANS.get(written)) is None:
        raise BadSettings(f'{path}: "CORSCredentials" must be true or false')
    named = frozenset(map(cors.normalize, origins.split(","))) - {""}
    if credentials and named == cors.ANY:
        raise BadSettings(
            f'{path}: "CORS" may not be "*" with "CORSCredentials": name the origins'
        )
    return cors.Policy(named, credentials) if named else None

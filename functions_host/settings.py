"""What host.json and local.settings.json say, read once at the start."""

from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from functions_host import relaxed_json
from functions_host.timers.cron import time_span

DEFAULT_TIMEOUT = 30 * 60.0


class BadSettings(Exception):
    """A settings file cannot be used; the text says which and why."""


@dataclass(frozen=True, slots=True)
class HostSettings:
    """The parts of host.json that this host honours."""

    route_prefix: str = "api"
    function_timeout: float | None = DEFAULT_TIMEOUT
    log_levels: Mapping[str, str] = field(default_factory=dict)


def host_settings(app_dir: Path) -> HostSettings:
    """Return the app's host.json; without one, the defaults."""
    path = app_dir / "host.json"
    if not path.is_file():
        return HostSettings()
    document = read(path)
    if document and document.get("version") != "2.0":
        raise BadSettings(f'{path}: "version" must be "2.0"')
    http = section(path, document, "extensions", "http")
    return HostSettings(
        route_prefix=str(http.get("routePrefix", "api")),
        function_timeout=_timeout(path, _member(document, "functionTimeout")),
        log_levels={
            str(k): str(v)
            for k, v in section(path, document, "logging", "logLevel").items()
        },
    )


def apply_local_settings(app_dir: Path, environ: MutableMapping[str, str]) -> None:
    """Put the values of local.settings.json where the environment has none."""
    path = app_dir / "local.settings.json"
    if not path.is_file():
        return
    for name, value in (local_values(path) or {}).items():
        environ.setdefault(name, value)


def local_values(path: Path) -> dict[str, str] | None:
    """Return the values in a local.settings.json, as `func` reads them, if any.

    Numbers are as they are written, true and false in lower case, and what is null is not
    set.
    """
    document = read(path, parse_int=str, parse_float=str)
    if str(_member(document, "IsEncrypted")).lower() == "true":
        raise BadSettings(f"{path} is encrypted: run `func settings decrypt`")
    if _member(document, "Values") is None:
        return None
    values = {}
    for name, value in section(path, document, "Values").items():
        if isinstance(value, dict | list):
            raise BadSettings(f'{path}: the value of "{name}" must be a string')
        if value is not None:
            values[name] = str(value).lower() if isinstance(value, bool) else str(value)
    return values


def _timeout(path: Path, given: object) -> float | None:
    if given is None or given == "":
        return DEFAULT_TIMEOUT
    span = time_span(str(given))
    if span == timedelta(days=-1):
        return None
    if span is None or span.total_seconds() < 1:
        raise BadSettings(
            f'{path}: "functionTimeout" must be like "00:10:00", or "-1" for none'
        )
    return span.total_seconds()


def read(path: Path, **options: Any) -> dict[str, Any]:
    """Return the object in the file, as .NET reads JSON; BadSettings if there is none."""
    try:
        document = relaxed_json.decode(path.read_bytes(), **options)
    except (OSError, ValueError) as error:
        raise BadSettings(f"{path} cannot be read as JSON: {error}") from None
    if not isinstance(document, dict):
        raise BadSettings(f"{path} must hold a JSON object")
    return document


def _member(document: Mapping[str, Any], name: str) -> Any:
    """Return what is under a name, whatever its case; None for null and for nothing."""
    values = [value for key, value in document.items() if key.lower() == name.lower()]
    return values[-1] if values else None


def section(path: Path, document: Mapping[str, Any], *names: str) -> Mapping[str, Any]:
    """Return what is below these names, whatever their case; empty if nothing is."""
    part = document
    for name in names:
        member = _member(part, name)
        if member is None:
            return {}
        if not isinstance(member, dict):
            raise BadSettings(f'{path}: "{name}" must be a JSON object')
        part = member
    return part

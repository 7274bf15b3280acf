"""What host.json and local.settings.json say, read once at the start."""

import json
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from local.host.schedules import time_span

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
    """The app's host.json; without one, the defaults."""
    path = app_dir / "host.json"
    if not path.is_file():
        return HostSettings()
    document = _read(path)
    if document and document.get("version") != "2.0":
        raise BadSettings(f'{path}: "version" must be "2.0"')
    http = _section(path, document, "extensions", "http")
    return HostSettings(
        route_prefix=str(http.get("routePrefix", "api")),
        function_timeout=_timeout(path, document.get("functionTimeout")),
        log_levels={
            str(k): str(v)
            for k, v in _section(path, document, "logging", "logLevel").items()
        },
    )


def apply_local_settings(app_dir: Path, environ: MutableMapping[str, str]) -> None:
    """Put the values of local.settings.json where the environment has none."""
    path = app_dir / "local.settings.json"
    if not path.is_file():
        return
    document = _read(path)
    if document.get("IsEncrypted"):
        raise BadSettings(f"{path} is encrypted: run `func settings decrypt`")
    for name, value in _section(path, document, "Values").items():
        if not isinstance(value, str):
            raise BadSettings(f'{path}: the value of "{name}" must be a string')
        environ.setdefault(name, value)


def _timeout(path: Path, text: object) -> float | None:
    if text is None:
        return DEFAULT_TIMEOUT
    if text == "-1":
        return None
    span = time_span(text) if isinstance(text, str) else None
    if span is None or span.total_seconds() < 1:
        raise BadSettings(
            f'{path}: "functionTimeout" must be like "00:10:00", or "-1" for none'
        )
    return span.total_seconds()


def _read(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError) as error:
        raise BadSettings(f"{path} cannot be read as JSON: {error}") from None
    if not isinstance(document, dict):
        raise BadSettings(f"{path} must hold a JSON object")
    return document


def _section(path: Path, document: Mapping[str, Any], *names: str) -> Mapping[str, Any]:
    section: Any = document
    for name in names:
        section = section.get(name, {})
        if not isinstance(section, dict):
            raise BadSettings(f'{path}: "{name}" must be a JSON object')
    found: Mapping[str, Any] = section
    return found

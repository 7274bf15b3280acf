"""Numbers and schedules of an event subscription: as they are, or as `%SETTING%`."""

import re
from collections.abc import Mapping

_SETTING = re.compile(r"%([^%]+)%\Z")


def setting_name(value: object) -> str | None:
    """Return the setting that a value such as `%PAID_LANES%` names; None otherwise."""
    match = _SETTING.match(value) if isinstance(value, str) else None
    return match[1] if match else None


def whole_number(
    what: str,
    value: int | str,
    allowed: range,
    default: int,
    environ: Mapping[str, str],
) -> tuple[int, str | None]:
    """Return the number, and what is wrong with it: then the default stands in for it.

    A setting that is not there, or empty, is the default and nothing wrong.
    """
    name = setting_name(value)
    if name is None:
        text, where = str(value), what
    else:
        text, where = environ.get(name, "").strip() or str(default), f"{what} ({name})"
    if re.fullmatch(r"[0-9]{1,9}", text) and int(text) in allowed:
        return int(text), None
    limits = f"from {allowed[0]} to {allowed[-1]}"
    return default, f"{where} must be a whole number {limits}"

"""Values of a declaration: as they are in the code, or as `%SETTING%`."""

import re
from collections.abc import Mapping

_SETTING = re.compile(r"%([^%]+)%\Z")


def setting_name(value: object) -> str | None:
    """Return the setting that a value such as `%PAID_LANES%` names; None otherwise."""
    match = _SETTING.match(value) if isinstance(value, str) else None
    return match[1] if match else None


def setting(name: str, environ: Mapping[str, str]) -> str:
    """Return a setting's text, its name in any case as in Functions; empty without one."""
    if (found := environ.get(name)) is None:
        by_name = {each.lower(): text for each, text in environ.items()}
        found = by_name.get(name.lower(), "")
    return found.strip()


def whole_number(
    what: str, value: int | str, allowed: range, environ: Mapping[str, str]
) -> tuple[int | None, str | None]:
    """Return the number; or None, and what is wrong with it."""
    name = setting_name(value)
    text = str(value) if name is None else setting(name, environ)
    where = what if name is None else f"{what} ({name})"
    limits = f"a whole number from {allowed[0]} to {allowed[-1]}"
    if name is not None and not text:
        return None, f"{where} is not set: {limits}"
    if re.fullmatch(r"[0-9]{1,9}", text) and int(text) in allowed:
        return int(text), None
    return None, f"{where} must be {limits}"

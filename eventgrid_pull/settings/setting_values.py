"""Values of a declaration: as they are in the code, or as `%SETTING%`."""

import re
from collections.abc import Mapping, Sequence

_SETTING = re.compile(r"%([^%]+)%\Z")


def setting_name(value: object) -> str | None:
    """Return the setting that a value such as `%PAID_LANES%` names; None otherwise."""
    match = _SETTING.match(value) if isinstance(value, str) else None
    return match[1] if match else None


def setting(name: str, environ: Mapping[str, str]) -> str:
    """Return a setting's text, its name in any case as in Functions; empty without one."""
    if (found := environ.get(name)) is None:
        by_name = {key.lower(): text for key, text in environ.items()}
        found = by_name.get(name.lower(), "")
    return found.strip()


def choice[T: str](
    what: str, value: str, allowed: Sequence[T], environ: Mapping[str, str]
) -> tuple[T | None, str | None]:
    """Return which of the words it is; or None, and what is wrong with it."""
    text, where = _text(what, value, environ)
    for word in allowed:
        if text == word:
            return word, None
    return None, f"{where} must be one of: {', '.join(allowed)}"


def seconds(
    what: str, value: float | str, most: int, environ: Mapping[str, str]
) -> tuple[float | None, str | None]:
    """Return the seconds, as 0.8; or None, and what is wrong with them."""
    text, where = _text(what, value, environ)
    found = seconds_of(text, most)
    return found, None if found is not None else f"{where} {must_be_seconds(most)}"


def seconds_of(text: str, most: int) -> float | None:
    """Return the seconds that the text is, as 0.8; None for what is not allowed."""
    if re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?", text) and float(text) <= most:
        return float(text)
    return None


def must_be_seconds(most: int) -> str:
    """Return what seconds must be, as the rest of a sentence."""
    return f"must be seconds from 0 to {most}, as 0.8"


def _text(what: str, value: object, environ: Mapping[str, str]) -> tuple[str, str]:
    """Return the value's text, and how to call it."""
    if (name := setting_name(value)) is None:
        return str(value), what
    return setting(name, environ), f"{what} ({name})"


def whole_number(
    what: str, value: float | str, allowed: range, environ: Mapping[str, str]
) -> tuple[int | None, str | None]:
    """Return the number; or None, and what is wrong with it."""
    text, where = _text(what, value, environ)
    limits = f"a whole number from {allowed[0]} to {allowed[-1]}"
    if where != what and not text:
        return None, f"{where} is not set: {limits}"
    if re.fullmatch(r"[0-9]{1,9}", text) and int(text) in allowed:
        return int(text), None
    return None, f"{where} must be {limits}"

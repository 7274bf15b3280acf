"""ASP.NET route templates, `item/{id:int}/{name?}` and `{*path}`, as patterns."""

import re
from collections.abc import Callable
from dataclasses import dataclass

PARAMETER = re.compile(
    r"\{(?P<star>\*{0,2})(?P<name>[A-Za-z_]\w*)"
    r"(?P<constraints>(?::[a-zA-Z]+(?:\((?:[^()]|\([^()]*\))*\))?)*)"
    r"(?:=(?P<default>[^}?]*))?(?P<optional>\?)?\}"
)
SEGMENT = re.compile(r"(?:\{[^{}]*\}|[^/{])+|\{")
OPEN, CLOSE = "\x01", "\x02"
CONSTRAINT = re.compile(r":([a-zA-Z]+)(?:\(((?:[^()]|\([^()]*\))*)\))?")


class BadTemplate(Exception):
    """The route is not one that the host can serve."""


type Check = Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class Template:
    """A route that can tell whether a path below the prefix is its own."""

    text: str
    pattern: re.Pattern[str]
    checks: tuple[tuple[str, Check], ...]
    defaults: tuple[tuple[str, str], ...]

    def match(self, path: str) -> dict[str, str] | None:
        """Return the route's values in that path, or None if it does not match."""
        if not (found := self.pattern.fullmatch(path)):
            return None
        values = {k: v for k, v in found.groupdict().items() if v}
        if not all(
            check(values[name]) for name, check in self.checks if name in values
        ):
            return None
        return dict(self.defaults) | values


def compile_template(text: str) -> Template:
    """Return the template's pattern; BadTemplate says what is wrong with it."""
    pattern, checks, defaults = "", [], []
    # A doubled brace is a literal one.
    for segment in SEGMENT.findall(text.replace("{{", OPEN).replace("}}", CLOSE)):
        parameter = PARAMETER.fullmatch(segment)
        pattern += _pattern(segment, parameter, text, first=not pattern)
        for part in PARAMETER.finditer(segment):
            checks += [(part["name"], check) for check in _checks(part, text)]
            if part["default"] is not None:
                defaults.append((part["name"], part["default"]))
    try:
        compiled = re.compile(pattern + "/?", re.IGNORECASE | re.DOTALL)
    except re.error as error:
        raise BadTemplate(f"route {text!r}: {error}") from None
    return Template(text, compiled, tuple(checks), tuple(defaults))


def _unmasked(text: str) -> str:
    return text.replace(OPEN, "{").replace(CLOSE, "}")


def _pattern(
    segment: str, parameter: re.Match[str] | None, text: str, *, first: bool
) -> str:
    slash = "" if first else "/"
    if not parameter:
        return slash + _literal(segment, text)
    name = parameter["name"]
    if parameter["star"]:
        # The first segment that a catch-all takes cannot be empty.
        return f"(?:{slash}(?P<{name}>[^/].*))?"
    optional = "?" if parameter["optional"] or parameter["default"] is not None else ""
    return f"(?:{slash}(?P<{name}>[^/]+)){optional}"


def _literal(segment: str, text: str) -> str:
    """Return a segment with text in it, and perhaps parameters between the text."""
    pattern, position = "", 0
    for part in PARAMETER.finditer(segment):
        pattern += re.escape(_unmasked(segment[position : part.start()]))
        pattern += f"(?P<{part['name']}>[^/]+)"
        position = part.end()
    rest = segment[position:]
    if "{" in rest or "}" in rest:
        raise BadTemplate(f"route {text!r}: {segment!r} is not a parameter")
    return pattern + re.escape(_unmasked(rest))


def _checks(parameter: re.Match[str], text: str) -> list[Check]:
    checks = []
    for name, argument in CONSTRAINT.findall(parameter["constraints"]):
        try:
            checks.append(CONSTRAINTS[name.lower()](_unmasked(argument)))
        except (KeyError, ValueError, re.error):
            raise BadTemplate(
                f"route {text!r}: {name}({argument}) is not a constraint"
            ) from None
    return checks


def _integer(low: int, high: int) -> Callable[[str], Check]:
    return lambda _argument: (
        lambda value: INTEGER.fullmatch(value) is not None and low <= int(value) <= high
    )


def _matching(pattern: str) -> Callable[[str], Check]:
    compiled = re.compile(pattern, re.IGNORECASE)
    return lambda _argument: lambda value: compiled.fullmatch(value) is not None


def _length(argument: str) -> Check:
    bounds = [int(part) for part in argument.split(",")]
    low, high = bounds if len(bounds) > 1 else bounds * 2
    return lambda value: low <= len(value) <= high


def _range(argument: str) -> Check:
    low, high = (int(part) for part in argument.split(","))
    return lambda value: INT64("")(value) and low <= int(value) <= high


def _regex(argument: str) -> Check:
    compiled = re.compile(argument, re.IGNORECASE)
    return lambda value: compiled.search(value) is not None


INTEGER = re.compile(r"[-+]?[0-9]{1,4000}")  # int() refuses more than 4,300 digits
INT64 = _integer(-(2**63), 2**63 - 1)
NUMBER = _matching(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?")
CONSTRAINTS: dict[str, Callable[[str], Check]] = {
    "int": _integer(-(2**31), 2**31 - 1),
    "long": INT64,
    "bool": _matching("true|false"),
    "alpha": _matching("[a-z]*"),
    "guid": _matching(r"\{?[0-9a-f]{8}(?:-?[0-9a-f]{4}){3}-?[0-9a-f]{12}\}?"),
    "decimal": NUMBER,
    "double": NUMBER,
    "float": NUMBER,
    "length": _length,
    "minlength": lambda argument: _length(f"{argument},{2**31 - 1}"),
    "maxlength": lambda argument: _length(f"0,{argument}"),
    "min": lambda argument: _range(f"{argument},{2**63 - 1}"),
    "max": lambda argument: _range(f"{-(2**63)},{argument}"),
    "range": _range,
    "regex": _regex,
    "required": lambda _argument: bool,
}

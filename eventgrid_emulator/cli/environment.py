"""Options as environment variables, and variables that only look like them."""

import re
from collections.abc import Collection, Iterator, Mapping

from eventgrid_emulator.cli.option_table import OPTIONS, Option

PREFIX = "EVENTGRID_EMULATOR_"
FLAGS = {
    **dict.fromkeys(("1", "true", "yes", "on"), True),
    **dict.fromkeys(("0", "false", "no", "off"), False),
}
# A topology is a file, or made of a topic and its event subscriptions.
_INSTEAD = {
    "topology": {"topic", "subscription"},
    "topic": {"topology"},
    "subscription": {"topology"},
}
# Kubernetes sets these in each container that runs beside a service of such a name.
_SERVICE = re.compile(r"\w*SERVICE_(HOST|PORT\w*)|\w*PORT_\d+_(TCP|UDP|SCTP)\w*")
_ADDRESS = re.compile(r"(tcp|udp|sctp)://")


def variable(option: str) -> str:
    """Return the variable of an option, which is named without its dashes."""
    return PREFIX + option.replace("-", "_").upper()


KNOWN = {variable(option.name) for option in OPTIONS}
OTHERS = {f"{PREFIX}COMMAND"}  # of the npm package: how it starts this


def arguments(environ: Mapping[str, str], given: Collection[str]) -> list[str]:
    """Return the variables of all options that are not given as arguments.

    Raises ValueError for a flag that is neither on nor off.
    """
    overruled = {*given}.union(*(_INSTEAD.get(option, ()) for option in given))
    words: list[str] = []
    for option in OPTIONS:
        value = environ.get(variable(option.name), "").strip()
        if value and option.name not in overruled and not _ADDRESS.match(value):
            words += _arguments(option, value)
    return words


def _arguments(option: Option, value: str) -> list[str]:
    if isinstance(option.default, list):
        return [f"--{option.name}={part}" for part in value.split()]
    if option.default is not False:
        return [f"--{option.name}={value}"]
    if value.lower() not in FLAGS:
        raise ValueError(f"{variable(option.name)} is {value!r}; a flag is 1 or 0")
    return [f"--{option.name}"] if FLAGS[value.lower()] else []


def unused(environ: Mapping[str, str]) -> Iterator[str]:
    """Yield for each variable that looks like an option's why it is ignored."""
    for name in sorted(environ):
        if not name.startswith(PREFIX) or name in OTHERS:
            continue
        is_address = _ADDRESS.match(environ[name])
        if name in KNOWN and is_address:
            yield (
                f"{name}={environ[name]} is how Kubernetes announces a service, and is"
                f" ignored: rename the service, or give the option"
            )
        elif name not in KNOWN and not (
            is_address or _SERVICE.fullmatch(name.removeprefix(PREFIX))
        ):
            yield f"{name} is not the variable of an option and is ignored{_meant(name)}"


def _meant(name: str) -> str:
    from difflib import get_close_matches  # late: only a mistake needs it

    ends = [known.removeprefix(PREFIX) for known in KNOWN]
    close = get_close_matches(name.removeprefix(PREFIX), ends, 1)
    if close:
        return f"; perhaps {PREFIX}{close[0]} is meant"
    return "; --help lists the options"

"""Every option of the command: what it takes, its default, and its help."""

import re
from argparse import ArgumentTypeError
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from eventgrid_emulator.auth.credentials import MAX_KEYS
from eventgrid_emulator.errors import Code

THROTTLED = {"429": Code.TOO_MANY_REQUESTS, "403": Code.QUOTA_EXCEEDED}


def like(pattern: str, allowed: str) -> Callable[[str], str]:
    """Return a reader of text that the pattern describes, and `allowed` in words."""

    def read(text: str) -> str:
        if not re.fullmatch(pattern, text):
            raise ArgumentTypeError(f"{text!r} is not {allowed}")
        return text

    return read


def number[T: int | float](
    kind: Callable[[str], T], most: int, allowed: str, least: int = 0
) -> Callable[[str], T]:
    """Return a reader of numbers between two bounds, and `allowed` in words."""
    pattern = r"\d{1,5}" if kind is int else r"\d{1,5}(\.\d+)?"

    def read(text: str) -> T:
        if re.fullmatch(pattern, text, re.ASCII) and least <= kind(text) <= most:
            return kind(text)
        raise ArgumentTypeError(f"{text!r} is not {allowed}")

    return read


def path(text: str) -> Path:
    """Return the path. An empty one, of an unset variable, would mean this folder."""
    if not text.strip():
        raise ArgumentTypeError("is empty; leave it out for the default")
    return Path(text)


_key = like(r".*\S.*", "a key; it must not be empty")
_port = number(int, 65_535, "a port (0 to 65535)")


class Option(NamedTuple):
    """One option. With a list as its default it may be given again; False is a flag's."""

    name: str
    help: str
    default: Any = None
    read: Callable[[str], Any] = str
    metavar: str | None = None


OPTIONS = (
    Option("host", "address to listen on", "127.0.0.1", like(r"\S+", "an address")),
    Option(
        "name",
        "a host name to answer for besides localhost, as often as needed: a container's is"
        " what its clients call it",
        [],
        like(
            r"[a-zA-Z0-9]([a-zA-Z0-9._-]*[a-zA-Z0-9])?",
            "a host name; it has no scheme, no port and no path",
        ),
        "HOST",
    ),
    Option("port", "port, 0 picks a free one", 6500, _port),
    Option(
        "key",
        f"access key, at most {MAX_KEYS} (default: the one at the end of this help)",
        [],
        _key,
    ),
    Option(
        "control-key",
        "let other machines use /_local, too, with this password (HTTP Basic, any user"
        " name); without it only this machine does",
        read=_key,
        metavar="KEY",
    ),
    Option(
        "topology",
        "topics and event subscriptions (default: a topic `events` with an event"
        " subscription `all`)",
        read=path,
        metavar="FILE",
    ),
    Option("topic", "one topic of this name, instead of a file", metavar="NAME"),
    Option(
        "subscription",
        "an event subscription of that topic, for these event types or for all; may be"
        " given again",
        [],
        like(r"[^=]*(=.*[^\s,].*)?", "NAME or NAME=TYPE,TYPE"),
        "NAME[=TYPE,…]",
    ),
    Option(
        "data",
        "keep everything in this folder (default: in memory)",
        read=path,
        metavar="DIR",
    ),
    Option(
        "dead-letters",
        "a storage connection string, UseDevelopmentStorage=true, or a folder (default:"
        " the newest 1,000 are kept in memory)",
        read=like(r".*\S.*", "a folder or a connection string"),
        metavar="TO",
    ),
    Option(
        "namespace",
        "its name, part of dead-letter paths",
        "local",
        like(r"[a-zA-Z0-9-]{3,50}", "3 to 50 letters, digits or hyphens"),
    ),
    Option(
        "throughput-units",
        "throttle like a namespace of N throughput units, 1 to 40 (default: no limit)",
        read=number(int, 40, "a number from 1 to 40", 1),
        metavar="N",
    ),
    Option(
        "throttle-with",
        "how a throttled request is refused: 429 TooManyRequests or 403 QuotaExceeded",
        "429",
        like("429|403", "429 or 403"),
        "STATUS",
    ),
    Option("tls", "serve HTTPS and issue Entra tokens; see --tls-folder", False),
    Option(
        "tls-folder",
        "where --tls writes ca.pem and identity.env, the variables a client needs",
        Path(".local", "tls"),
        path,
        "DIR",
    ),
    Option(
        "identity-port",
        "port of the token endpoint under --tls, 0 picks a free one; with --name it answers"
        " where --host says, else to this machine only",
        0,
        _port,
    ),
    Option(
        "shortest-wait",
        "for tests: answer an empty receive after so many seconds, 0 to 10, however long it"
        " asked to wait (default: as long as it asked)",
        read=number(float, 10, "a number from 0 to 10"),
        metavar="SECONDS",
    ),
    Option(
        "exit-with-parent",
        "stop when standard input ends, as it does when the parent process ends",
        False,
    ),
    Option(
        "ready-json",
        "say where it answers in one line of JSON, the only one on standard output",
        False,
    ),
    Option(
        "verbose", "log every request (default: only those that are refused)", False
    ),
)

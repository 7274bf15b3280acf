"""When a request is on its way: its sender may have to sign in and to connect before."""

from collections.abc import Callable
from contextvars import ContextVar

# Called for the requests of a task: with None when one is prepared; and when it has a
# connection and is sent, with the seconds that the newest connection took.
on_sending: ContextVar[Callable[[float | None], None]] = ContextVar(
    "on_sending", default=lambda seconds: None
)

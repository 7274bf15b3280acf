"""When a request is on its way: its sender may have to sign in and to connect before."""

from collections.abc import Callable
from contextvars import ContextVar

# Told, for the requests of a task, that one is prepared (None), and that it has a
# connection and is sent: how many seconds the newest connection took.
on_sending: ContextVar[Callable[[float | None], None]] = ContextVar(
    "on_sending", default=lambda seconds: None
)

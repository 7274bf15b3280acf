"""Signals to stop: the app gets them as it would in the worker, and the host stops."""

import signal
import sys
from collections.abc import Callable
from types import FrameType

if sys.platform == "win32":
    from asyncio import ProactorEventLoop as PlatformLoop
else:
    from asyncio import SelectorEventLoop as PlatformLoop

# SIGBREAK is how one process stops another on Windows.
SIGNALS: list[int] = [
    getattr(signal, name)
    for name in ("SIGINT", "SIGTERM", "SIGBREAK")
    if hasattr(signal, name)
]


def block_signals() -> None:
    """Hold signals back until there is a listener again, even in a new program."""
    if sys.platform != "win32":
        signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)


def _unblock_signals() -> None:
    if sys.platform != "win32":
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)


type PlainHandler = Callable[[int, FrameType | None], object]


class HostLoop(PlatformLoop):
    """An event loop on which a signal can have two listeners: the app and the host.

    A loop keeps one handler per signal. An app that adds its own while it is
    imported, as it may in Microsoft's worker, would put the host's out of use.
    """

    def __init__(self) -> None:
        super().__init__()
        self._on_stop: Callable[[], object] | None = None
        self._plain: dict[int, PlainHandler] = {}
        self._heard: set[int] = set()

    def stop_on_signals(self, on_stop: Callable[[], object]) -> None:
        """Call `on_stop` at every signal to stop, whatever else handles it."""
        self._on_stop = on_stop
        for number in SIGNALS:
            try:
                super().add_signal_handler(number, on_stop)
            except NotImplementedError:
                self._listen_plainly(number, None)

        _unblock_signals()

    def add_signal_handler[*Ts](
        self, sig: int, callback: Callable[[*Ts], object], *args: *Ts
    ) -> None:
        """Call the app's handler, and after it the host's."""

        def both() -> None:
            self._heard.add(sig)
            try:
                callback(*args)
            finally:
                if self._on_stop and sig in SIGNALS:
                    self._on_stop()

        super().add_signal_handler(sig, both)

    def remove_signal_handler(self, sig: int) -> bool:
        """Forget the app's handler; the host's stays."""
        if self._on_stop and sig in SIGNALS:
            on_stop = self._on_stop
            plain = super().add_signal_handler

            def rearm() -> None:
                plain(sig, on_stop)  # it was handled when it came: no second request

            plain(sig, rearm if sig in self._heard else on_stop)
            return True
        return super().remove_signal_handler(sig)

    def close(self) -> None:
        """Close the loop and listen no more."""
        self._on_stop = None
        super().close()

    def adopt_plain_handlers(self) -> None:
        """Stop also on signals that the app took over, where they reach Python only."""
        for number, ours in list(self._plain.items()):
            handler = signal.getsignal(number)
            if callable(handler) and handler is not ours:
                self._listen_plainly(number, handler)

    def _listen_plainly(self, number: int, app_handler: PlainHandler | None) -> None:
        def both(caught: int, frame: FrameType | None) -> None:
            try:
                if app_handler:
                    app_handler(caught, frame)
            finally:
                if self._on_stop:
                    self.call_soon_threadsafe(self._on_stop)

        self._plain[number] = both
        signal.signal(number, both)

"""The app and the host both hear the signal to stop."""

import asyncio
import os
import signal
from collections.abc import Iterator

import pytest

from functions_host.process.signals import SIGNALS, HostLoop

pytestmark = pytest.mark.skipif(
    os.name != "posix", reason="sends signals to its own process"
)


@pytest.fixture
def loop() -> Iterator[HostLoop]:
    """Give a loop of the host; put the handlers of the tests back after it."""
    before = {number: signal.getsignal(number) for number in SIGNALS}
    loop = HostLoop()
    yield loop
    loop.close()
    for number, handler in before.items():
        signal.signal(number, handler)


class Ears:
    """Notes who has heard the signal, in the order in which they did."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        self.host_has = asyncio.Event()

    def app(self, *_: object) -> None:
        """Handle a signal as the app."""
        self.heard.append("app")

    def failing_app(self) -> None:
        """Handle a signal as an app that fails."""
        self.app()
        raise ValueError("as it should")

    def host(self) -> None:
        """Handle a signal as the host."""
        self.heard.append("host")
        self.host_has.set()

    def after_a_signal(self, loop: HostLoop) -> list[str]:
        """Return who handles a signal that is sent now."""

        async def wait() -> None:
            os.kill(os.getpid(), signal.SIGTERM)
            await asyncio.wait_for(self.host_has.wait(), timeout=10)

        loop.run_until_complete(wait())
        return self.heard


def test_the_app_hears_it_first_and_the_host_too(loop: HostLoop) -> None:
    """The app's handler does not put the host's out of use."""
    ears = Ears()
    loop.stop_on_signals(ears.host)
    loop.add_signal_handler(signal.SIGTERM, ears.app, "an argument")

    assert ears.after_a_signal(loop) == ["app", "host"]


def test_a_handler_that_fails_does_not_keep_the_host_alive(loop: HostLoop) -> None:
    """The host stops whatever the app does."""
    ears = Ears()
    loop.set_exception_handler(lambda *_: None)
    loop.stop_on_signals(ears.host)
    loop.add_signal_handler(signal.SIGTERM, ears.failing_app)

    assert ears.after_a_signal(loop) == ["app", "host"]


def test_the_host_still_hears_it_when_the_app_listens_no_more(loop: HostLoop) -> None:
    """Removing the app's handler removes only that."""
    ears = Ears()
    loop.stop_on_signals(ears.host)
    loop.add_signal_handler(signal.SIGTERM, ears.app)
    assert loop.remove_signal_handler(signal.SIGTERM)

    assert ears.after_a_signal(loop) == ["host"]


def test_where_loops_have_no_signals_plain_handlers_do(
    loop: HostLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on Windows: the app's handler is called, and the host's after it."""

    def absent(*_: object) -> None:
        raise NotImplementedError

    monkeypatch.setattr(HostLoop.__base__, "add_signal_handler", absent)
    ears = Ears()
    loop.stop_on_signals(ears.host)
    signal.signal(signal.SIGTERM, ears.app)
    loop.adopt_plain_handlers()

    assert ears.after_a_signal(loop) == ["app", "host"]

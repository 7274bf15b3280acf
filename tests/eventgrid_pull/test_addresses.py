"""Where a message says how to start the local stack: only where this machine refused."""

import pytest

from eventgrid_pull.settings import addresses


class Failed(Exception):
    """A connection that failed, as aiohttp tells it."""

    def __init__(self, host: str, cause: OSError) -> None:
        super().__init__()
        self.host, self.port, self.os_error = host, 6500, cause


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "::1", "localhost"])
def test_a_refusal_of_this_machine_names_the_command(host: str) -> None:
    """Nothing listens there: somebody forgot to start it."""
    message = addresses.explain_refused(
        Failed(host, ConnectionRefusedError(111, "refused"))
    )

    assert message is not None
    assert "port 6500" in message
    assert "dev.py run" in message


@pytest.mark.parametrize(
    "error",
    [
        None,
        ValueError(),
        Failed("ns.westeurope-1.eventgrid.azure.net", ConnectionRefusedError()),
        Failed("10.0.0.4", ConnectionRefusedError()),
        Failed("127.0.0.1", TimeoutError()),
        Failed("localhost", ConnectionResetError()),
    ],
)
def test_others_are_not_sent_to_the_local_stack(error: Exception | None) -> None:
    """In Azure the command would be no help."""
    assert addresses.explain_refused(error) is None

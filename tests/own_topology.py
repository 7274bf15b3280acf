"""What every unit test stands on."""

import pytest

from moderation import topology
from tests.make import TOPOLOGY


@pytest.fixture(autouse=True)
def own_topology(monkeypatch: pytest.MonkeyPatch) -> None:
    """The event subscriptions that tests name, whichever the app is declared with."""
    monkeypatch.setenv(topology.SETTING, str(TOPOLOGY))

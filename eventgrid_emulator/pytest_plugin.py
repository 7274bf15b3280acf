"""A pytest plugin: the fixture `eventgrid_namespace`, an emulator emptied for each test.

It answers empty receives at once. Override the fixture `eventgrid_topology` in your
conftest.py to declare topics and event subscriptions of your own.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from eventgrid_emulator.testing import NamespaceInThread


@pytest.fixture(scope="session")
def eventgrid_topology() -> Any:
    """Return the topology: a dict, a file's Path, or None for topic `events`, `all`."""
    return None


@pytest.fixture(scope="session")
def _eventgrid_emulator(eventgrid_topology: Any) -> Iterator["NamespaceInThread"]:
    # Imported late, so that suites without such a test pay nothing for the plugin.
    from eventgrid_emulator.testing import EmulatedNamespace

    with EmulatedNamespace(eventgrid_topology, shortest_wait=0) as namespace:
        yield namespace


@pytest.fixture
def eventgrid_namespace(
    _eventgrid_emulator: "NamespaceInThread",
) -> "NamespaceInThread":
    """Return the emulator, emptied, its clock reset: endpoint, key, advance, …"""
    _eventgrid_emulator.reset()
    return _eventgrid_emulator

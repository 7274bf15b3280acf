"""An async handler that blocks the event loop is named by health, with its line."""

import threading

import pytest

from eventgrid_pull import Event, EventGridPull, testing
from tests.calling import Api


async def test_health_names_the_handler_that_blocked_the_loop(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Requests were slow and locks ran out, and nothing else would say why."""
    pull = EventGridPull(topic="moderation-events", environ={})

    @pull.subscription("sub-flagged", schedule="0 * * * * *")
    async def flagged(event: Event[dict[str, object]]) -> None:
        threading.Event().wait(0.5)

    api, namespace = Api(monkeypatch), testing.InMemoryNamespace()
    with testing.connected(pull, namespace) as consumer:
        namespace["sub-flagged"].deliver(testing.event("com.shop.Paid", {}))
        await pull.drain("sub-flagged")
        api.runtime.consumer = consumer
        health = (await api.call("GET", "health")).json()
        await pull.close()

    assert health["status"] != "ok"
    [check] = [check for check in health["checks"] if "event loop" in check["detail"]]
    line = flagged.__code__.co_firstlineno + 2
    assert check["name"] == "doctor: sub-flagged"
    assert f"s at test_blocked_loop.py:{line}: " in check["detail"]

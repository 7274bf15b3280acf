"""The example of another domain: an emulator with its topology, its own app and database."""

import importlib.util
import sqlite3
from contextlib import closing
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from eventgrid_emulator import EmulatedNamespace
from eventgrid_pull import Acknowledge, Reject, testing

ORDERS = Path(__file__).parents[2] / "examples" / "orders"


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> ModuleType:
    """The example, with a database of its own."""
    monkeypatch.setenv("ORDERS_DB", str(tmp_path / "orders.db"))
    monkeypatch.setenv("PAID_SCHEDULE", "0 * * * * *")
    path = ORDERS / "function_app.py"
    spec: Any = importlib.util.spec_from_file_location("orders_app", path)
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(__import__("sys").modules, "orders_app", module)
    spec.loader.exec_module(module)
    return module


def rows(path: Path, table: str) -> set[str]:
    with closing(sqlite3.connect(path / "orders.db")) as db:
        return {row[0] for row in db.execute(f"select id from {table}")}


async def test_orders_are_kept_once_and_a_negative_amount_is_rejected(
    app: ModuleType, tmp_path: Path
) -> None:
    """
    Driven as its developer would, without a network.
    """
    good = testing.event("com.shop.Paid", {"order": "o1", "cents": 5})
    bad = testing.event("com.shop.Paid", {"order": "o2", "cents": -5})

    said = await testing.handle(app.pull, "sub-paid", good, good, bad)

    assert said == [Acknowledge(), Acknowledge(), Reject("negative amount")]
    assert rows(tmp_path, "paid") == {"o1"}


async def test_both_event_subscriptions_are_pulled(
    app: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    From its own topic, by the settings that the README names.
    """
    async with EmulatedNamespace(ORDERS / "topology.json") as namespace:
        monkeypatch.setenv("EVENTGRID__endpoint", namespace.endpoint)
        monkeypatch.setenv("EVENTGRID__key", namespace.key)
        sent = [
            testing.event("com.shop.Paid", {"order": "o1", "cents": 5}),
            testing.event("com.shop.Refunded", {"order": "o2"}),
            testing.event("com.shop.Refunded", {"order": "o3"}),
        ]
        await app.pull.publish(sent)

        paid = await app.pull.drain("sub-paid", until_empty=True)
        refunded = await app.pull.drain("sub-refunded", until_empty=True)
        await app.pull.close()

    assert (paid.settled["acknowledge"], refunded.settled["acknowledge"]) == (1, 2)
    assert rows(tmp_path, "refunded") == {"o2", "o3"}


def test_its_functions_are_those_of_its_declarations(app: ModuleType) -> None:
    """
    One timer for each event subscription.
    """
    names = {each.get_function_name() for each in app.app.get_functions()}

    assert names == {"pull_paid", "pull_refunded"}

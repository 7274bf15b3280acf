"""The handlers, without a network: `pip install pytest`, then `pytest`."""

import asyncio
import sqlite3
from pathlib import Path

import pytest

import function_app
from eventgrid_pull import Acknowledge, Disposition, Reject, testing


@pytest.fixture(autouse=True)
def orders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give each test a database of its own."""
    file = tmp_path / "orders.db"
    monkeypatch.setenv("ORDERS_DB", str(file))
    return file


def handle(name: str, *orders: dict[str, object]) -> list[Disposition]:
    """Return what becomes of events about these orders."""
    events = [testing.event("com.shop.Order", order) for order in orders]
    return asyncio.run(testing.handle(function_app.pull, name, *events))


def test_an_order_is_kept_once_however_often_it_comes(orders: Path) -> None:
    dispositions = handle("sub-paid", *[{"order": "o1", "cents": 5}] * 2)

    assert dispositions == [Acknowledge(), Acknowledge()]
    assert sqlite3.connect(orders).execute("select * from paid").fetchall() == [
        ("o1", 5)
    ]


def test_what_cannot_be_is_rejected() -> None:
    too_much, negative = handle(
        "sub-paid", {"order": "o1", "cents": 1_000_001}, {"order": "o2", "cents": -1}
    )

    assert too_much == Reject("more than anything costs here")
    assert negative.reason is not None
    assert "cents greater_than" in negative.reason


def test_refunds_are_kept_in_one_transaction(orders: Path) -> None:
    handle("sub-refunded", {"order": "o1", "cents": 1}, {"order": "o2", "cents": 2})

    found = sqlite3.connect(orders).execute("select * from refunded").fetchall()
    assert found == [("o1",), ("o2",)]

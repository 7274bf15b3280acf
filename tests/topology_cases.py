"""The table that the app, the emulator and Bicep are held to: what a topology file means."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

type Json = dict[str, Any]

TABLE: Json = json.loads(
    Path(__file__).with_name("topology-cases.json").read_text("utf-8")
)
CASES: list[Json] = TABLE["cases"]
FILTERS: list[Json] = TABLE["filters"]
WARNINGS: list[Json] = TABLE["warnings"]


def content(case: Json) -> bytes:
    """Return the bytes of the file of a case."""
    if "text" in case:
        return str(case["text"]).encode()
    changes = case.get("topology", {}), case.get("subscription", {})
    return json.dumps(_changed(TABLE["base"], *changes)).encode()


def with_filters(configuration: Json) -> bytes:
    """Return a file whose event subscription has these filters."""
    return content({"subscription": {"filtersConfiguration": configuration}})


def meaning(means: Json) -> Json:
    """Return what a file means, from what of it is other than the defaults."""
    changes = means.get("topology", {}), means.get("subscription", {})
    return _changed(TABLE["defaults"], *changes)


def name_of(case: Json) -> str:
    """Return the name of a case."""
    return str(case.get("case") or case.get("filter") or case["filtersConfiguration"])


def _changed(base: Json, topology: Mapping[str, Any], one: Mapping[str, Any]) -> Json:
    changed: Json = {**base, **topology}
    if one:
        changed["eventSubscriptions"] = [changed["eventSubscriptions"][0] | one]
    return changed

"""Bicep reads topology.json and makes names as the app does: the same tables hold both."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.infra.compiling import Compilers, Refused, copied
from tests.infra.deployment import Json
from tools.terminal import ROOT

NAMES = json.loads((ROOT / "tests/name-cases.json").read_text("utf-8"))
TOPOLOGIES = json.loads((ROOT / "tests/topology-cases.json").read_text("utf-8"))
HARNESS = """
import { functionOf, hasClash, meaningOf, problemsOf, secondsOf, settingOf, timersOf } from 'topology.bicep'
output functions array = map(loadJsonContent('names.json'), name => timersOf(name, 2))
output schedules array = map(loadJsonContent('names.json'), name => settingOf(name, 'SCHEDULE'))
output lanes array = map(loadJsonContent('names.json'), name => settingOf(name, 'LANES'))
output clashes array = map(loadJsonContent('together.json'), names => hasClash(names))
output problems array = map(loadJsonContent('files.json'), file => problemsOf(file))
output meanings array = map(loadJsonContent('files.json'), file => empty(problemsOf(file)) ? meaningOf(file) : {})
output seconds array = map(
  loadJsonContent('files.json'),
  file => empty(problemsOf(file)) ? map(meaningOf(file).eventSubscriptions, subscription => secondsOf(subscription.eventTimeToLive)) : [])
"""


def written(case: Json) -> Any:
    """The file of a case as JSON; None where the compiler refuses it, or JSON has not the form."""
    if "text" in case:
        try:
            return json.loads(case["text"])
        except ValueError:
            return None
    file = json.loads(json.dumps(TOPOLOGIES["base"])) | case.get("topology", {})
    if "subscription" in case:
        file["eventSubscriptions"][0] |= case["subscription"]
    return file


FILES = [
    (case, file)
    for case in TOPOLOGIES["cases"]
    if case.get("bicep") != "compiler" and (file := written(case)) is not None
]
TOGETHER = [clash["subscriptions"] for clash in NAMES["clashes"]] + NAMES["apart"]


@pytest.fixture(scope="module")
def evaluated(
    running: Compilers, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, list[Any]]:
    """What topology.bicep makes of every row of both tables."""
    infra = copied(tmp_path_factory.mktemp("tables"))
    (infra / "bicepconfig.json").unlink()  # the harness is no part of the template
    _put(infra / "names.json", [name["subscription"] for name in NAMES["names"]])
    _put(infra / "together.json", TOGETHER)
    _put(infra / "files.json", [file for _, file in FILES])
    (infra / "tables.bicep").write_text(HARNESS, encoding="utf-8")
    parameters = infra / "tables.bicepparam"
    parameters.write_text("using 'tables.bicep'\n", encoding="utf-8")
    outputs: dict[str, list[Any]] = running.snapshot(parameters)["outputs"]
    return outputs


def _put(file: Path, value: object) -> None:
    file.write_text(json.dumps(value), encoding="utf-8")


def test_names_follow_as_the_table_says(evaluated: dict[str, list[Any]]) -> None:
    """Timer functions, their lanes and their settings."""
    rows = zip(
        *(evaluated[what] for what in ("functions", "schedules", "lanes")), strict=True
    )
    found = [
        {"function": timers[0], "second": timers[1], "schedule": at, "lanes": lanes}
        for timers, at, lanes in rows
    ]

    for name, made in zip(NAMES["names"], found, strict=True):
        assert {"subscription": name["subscription"]} | made == name


def test_names_clash_as_the_table_says(evaluated: dict[str, list[Any]]) -> None:
    """Two event subscriptions of one timer function are refused, and no others."""
    clashing = len(NAMES["clashes"])
    for place, names in enumerate(TOGETHER):
        assert evaluated["clashes"][place] is (place < clashing), names


def test_topologies_mean_what_the_table_says(evaluated: dict[str, list[Any]]) -> None:
    """With all that they leave out; a time to live in seconds."""
    rows = zip(
        FILES,
        *(evaluated[what] for what in ("problems", "meanings", "seconds")),
        strict=True,
    )
    for (case, _), problems, meaning, seconds in rows:
        if "means" in case:
            assert problems == [], case["case"]
            assert _flat(meaning, seconds) == _meant(case), case["case"]


def _meant(case: Json) -> Json:
    means = json.loads(json.dumps(TOPOLOGIES["defaults"]))
    means |= case["means"].get("topology", {})
    for subscription in means["eventSubscriptions"]:
        subscription |= case["means"].get("subscription", {})
    return dict(means)


def _flat(meaning: Json, seconds: list[int]) -> Json:
    """A meaning as the table writes it."""
    for subscription, lives in zip(meaning["eventSubscriptions"], seconds, strict=True):
        filters = subscription.pop("filtersConfiguration", None) or {}
        subscription["eventTimeToLive"] = lives
        subscription["includedEventTypes"] = filters.get("includedEventTypes") or None
        subscription["filters"] = [
            {key: value for key, value in clause.items() if value is not None}
            for clause in filters.get("filters") or []
        ]
    return meaning


def test_topologies_are_refused_as_the_table_says(
    evaluated: dict[str, list[Any]],
) -> None:
    """By name, and all that is wrong at once. What is in a filter is left to Azure."""
    operators = {clause for row in TOPOLOGIES["filters"] for clause in row["refused"]}
    for (case, _), problems in zip(FILES, evaluated["problems"], strict=True):
        if "refused" in case:
            text = "; ".join(problems)
            words = set(case["refused"]) - operators - {"Sounds"}
            assert [word for word in words if word not in text] == [], case["case"]


@pytest.mark.parametrize(
    "case",
    [case for case in TOPOLOGIES["cases"] if case.get("bicep") == "compiler"],
    ids=lambda case: str(case["case"]),
)
def test_what_is_no_topology_at_all_is_not_deployed(
    case: Json, running: Compilers, folder: Path
) -> None:
    """Mostly the compiler says it before we can."""
    infra = copied(folder)
    (folder / "moderation" / "topology.json").write_text(case["text"], encoding="utf-8")

    with pytest.raises(Refused):
        running.snapshot(infra / "examples" / "default.bicepparam")

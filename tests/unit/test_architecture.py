"""Imports go one way, and each Azure SDK has one door."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MODERATION = sorted((ROOT / "moderation").rglob("*.py"))
EMULATOR = sorted((ROOT / "local" / "broker").rglob("*.py"))
HOST = sorted((ROOT / "local" / "host").rglob("*.py"))

# What a module may import of its own package: only what stands above it.
LAYERS = [
    {
        "interpreter",
        "names",
        "cloudevents",
        "rfc3339",
        "appendlog",
        "retry",
        "routes",
        "stopping",
        "schedule",
        "timespan",
        "addresses",
        "relaxedjson",
        "filters",
        "transport",
        "nested",
        "spread",
        "counts",
        "loopback",
        "eventkey",
        "paths",
    },
    {"filterrules", "hostjson"},
    {"topologyfile"},
    {"topology", "publishstamp"},
    {"events", "requestbody"},
    {"blobs.service"},
    {"delivery", "handlers", "settings"},
    {"timers"},
    {"intake", "received"},
    {"tracing", "paging", "details", "blobs.reading"},
    {"deadletters.store"},
    {"deadletters.ledger", "deadletters.documents", "deadletters.folders"},
    {"blobs.deadletters", "deadletters.listing"},
    {"auditentry", "actions", "activity", "eventgrid", "blobs.append"},
    {"audit"},
    {"settlement", "tally", "sizing", "locks", "grouped"},
    {"batch", "watching"},
    {"deadletters.redrivable"},
    {"deadletters.underlease"},
    {"deadletters.redrive"},
    {"consumer", "publishing"},
    {"lifesearch"},
    {"doctor", "byhand.peeking", "life", "deadletters.finding"},
    {"byhand.settling", "draining"},
    {"runtime"},
    {"inspection"},
    {"console.reply"},
    {"console.caller"},
    {"console.asked"},
    {
        "console.alerts",
        "console.cursors",
        "console.exports",
        "console.redaction",
        "console.schemas",
        "console.steps",
    },
    {
        "console.check",
        "console.dead_letters",
        "console.entries",
        "console.flow",
        "console.life",
        "console.me",
        "console.peek",
        "console.publish",
        "console.redrive",
        "console.letters",
        "console.pull",
        "console.settings_view",
        "console.topology_view",
    },
    {"console.health", "console.endpoints", "console.eventschemas"},
    {"console.openapi"},
    {"console.web"},
    {"console.answering"},
    {"console.triggers", "__main__"},
]
DOORS = {
    "azure.eventgrid": {"eventgrid"},
    "azure.storage": {
        "blobs.service",
        "blobs.append",
        "blobs.deadletters",
        "blobs.reading",
    },
    "azure.identity": {"runtime"},
    "azure.functions": {"console.triggers"},
}
# An import inside a function is allowed where it buys cold start, or is itself the check.
LAZY = {("runtime", "azure.identity.aio"), ("interpreter", "msgspec")}


def str_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def imports(path: Path) -> Iterator[tuple[str, bool]]:
    """Every module that a file imports, and whether at its top level."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    top = set(map(id, tree.body))
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, id(node) in top
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            yield module, id(node) in top
            if module.partition(".")[0] == "moderation":
                for alias in node.names:
                    yield f"{module}.{alias.name}", id(node) in top


def name_of(path: Path) -> str:
    """A module's name within the app, as `console.asked`."""
    within = path.relative_to(ROOT / "moderation").with_suffix("")
    return ".".join(within.parts).removesuffix(".__init__")


def rank(module: str) -> int | None:
    """The layer of a module; None for what is a name in one, or a package."""
    found = (index for index, layer in enumerate(LAYERS) if module in layer)
    return next(found, None)


def test_every_module_has_a_layer() -> None:
    """
    A new module is placed before it is used.
    """
    names = {name_of(path) for path in MODERATION if path.name != "__init__.py"}

    assert names == set().union(*LAYERS)


@pytest.mark.parametrize("path", MODERATION, ids=str_of)
def test_a_module_imports_only_what_stands_below_it(path: Path) -> None:
    """
    The app can be read from the bottom to the top without looking back.
    """
    if path.name == "__init__.py":
        return
    mine = rank(name_of(path))
    assert mine is not None
    for name, _ in imports(path):
        below = rank(name.removeprefix("moderation."))
        if name.startswith("moderation.") and below is not None:
            assert below <= mine, f"{name_of(path)} imports {name}"


@pytest.mark.parametrize("path", MODERATION, ids=str_of)
def test_each_azure_sdk_has_one_door(path: Path) -> None:
    """
    Whoever changes an SDK's version reads one file.
    """
    for name, _ in imports(path):
        for sdk, doors in DOORS.items():
            if name.startswith(sdk):
                assert name_of(path) in doors, f"{path.stem} imports {name}"


@pytest.mark.parametrize("path", [*MODERATION, *EMULATOR, *HOST], ids=str_of)
def test_the_app_and_what_stands_in_for_azure_meet_only_on_the_wire(path: Path) -> None:
    """
    What is deployed does not know what stands in for Azure, nor the other way round.

    The tools of `local/` are about the app, so they may ask it.
    """
    other = "local" if path in MODERATION else "moderation"
    for name, _ in imports(path):
        assert name.partition(".")[0] != other, f"{path.name} imports {name}"


@pytest.mark.parametrize("path", MODERATION, ids=str_of)
def test_imports_stand_at_the_top_but_for_cold_start(path: Path) -> None:
    """
    An import inside a function hides what a module needs.
    """
    for name, at_top in imports(path):
        if not at_top and not name.startswith("moderation."):
            assert (name_of(path), name) in LAZY, f"{path.stem} imports {name} late"

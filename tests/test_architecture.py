"""Who may import whom, computed from the imports: folders carry the order."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

# What a package may import of ours (docs/architecture.md). What is not named here may
# import anything of it: `tools` is about the app, function_app.py puts it together.
MAY_IMPORT: dict[str, set[str]] = {
    "eventgrid_pull": set(),
    "moderation": {"eventgrid_pull"},
    "console": {"moderation", "eventgrid_pull"},
    "eventgrid_emulator": set(),
    "functions_host": set(),
}
# Each Azure SDK has one door in each package that needs it: one folder or module.
SDKS = ("azure.eventgrid", "azure.storage.blob", "azure.identity", "azure.functions")
# So many modules, one importing the next, are still read in one go.
LONGEST_CHAIN = 7
SHORT = ("eventgrid_pull", "moderation")


@cache
def sources() -> dict[str, Path]:
    """Return every module of ours by its dotted name, tests apart."""
    packages = [file.parent for file in ROOT.glob("*/__init__.py")]
    inside = (file for package in packages for file in package.rglob("*.py"))
    files = [*ROOT.glob("*.py"), *inside]
    return {_name(file): file for file in files if ROOT / "tests" not in file.parents}


def _name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts).removesuffix(".__init__")


@cache
def imports(module: str) -> frozenset[str]:
    """Return what a module imports, at its top or late, each as far as it is ours."""
    tree = ast.parse(sources()[module].read_text(encoding="utf-8"))
    return frozenset(name for node in ast.walk(tree) for name in _imported(node))


def _imported(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom) and node.module is not None:
        for alias in node.names:
            inner = f"{node.module}.{alias.name}"
            yield inner if inner in sources() else node.module


def ours(module: str) -> list[str]:
    """Return the modules of ours that a module imports, packages' faces apart."""
    return [name for name in imports(module) if name in sources() and not _face(name)]


def _face(module: str) -> bool:
    return sources()[module].name == "__init__.py"


def package(module: str) -> str:
    """Return the package at the top that a module is in."""
    return module.partition(".")[0]


@cache
def longest_chain(module: str) -> tuple[str, ...]:
    """Return the longest chain of imports from a module down within its package."""
    below = (name for name in ours(module) if package(name) == package(module))
    return (module, *max(map(longest_chain, below), key=len, default=()))


def test_a_package_imports_only_what_it_may() -> None:
    """
    The library knows no moderation, the emulator nothing of ours, and nothing a test.
    """
    houses = {package(name) for name in sources()}

    wrong = [
        f"{module} imports {name}"
        for module in sources()
        for name in imports(module)
        if (target := package(name)) in houses | {"tests"}
        and target != package(module)
        and target not in MAY_IMPORT.get(package(module), houses)
    ]

    assert wrong == []


def test_the_librarys_own_tests_know_no_domain_of_ours() -> None:
    """What it guarantees holds for anyone's events."""
    files = (ROOT / "tests" / "eventgrid_pull").rglob("*.py")

    wrong = [
        f"{file.name} imports {name}"
        for file in files
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        for name in _imported(node)
        if package(name) in ("moderation", "console") or name == "tests.make"
    ]

    assert wrong == []


def test_imports_run_in_no_circle() -> None:
    """The code can be read from the bottom to the top without looking back."""
    done: set[str] = set()

    def visit(module: str, path: tuple[str, ...]) -> None:
        assert module not in path, " → ".join((*path[path.index(module) :], module))
        if module not in done:
            for name in ours(module):
                visit(name, (*path, module))
            done.add(module)

    for module in sources():
        visit(module, ())


@pytest.mark.parametrize("name", SHORT)
def test_a_chain_of_imports_within_a_package_is_short(name: str) -> None:
    """Whoever changes a module holds all in mind that it stands on."""
    modules = [
        module for module in sources() if package(module) == name and not _face(module)
    ]

    chain = max(map(longest_chain, modules), key=len)

    assert len(chain) <= LONGEST_CHAIN, " → ".join(chain)


@pytest.mark.parametrize("sdk", SDKS)
def test_each_azure_sdk_has_one_door_in_a_package(sdk: str) -> None:
    """Whoever changes an SDK's version reads one folder."""
    doors: dict[str, set[str]] = {}
    for module in sources():
        if any(name == sdk or name.startswith(f"{sdk}.") for name in imports(module)):
            doors.setdefault(package(module), set()).add(_folder(module))

    assert not {name: places for name, places in doors.items() if len(places) > 1}


def _folder(module: str) -> str:
    """Return the folder of a module within its package; the module itself at its top."""
    inner = module.split(".")[1:]
    return inner[0] if inner else module

"""The app is made of the library as anyone else would make theirs."""

import ast
import re
from pathlib import Path

import eventgrid_pull

ROOT = Path(__file__).parents[1]
README = (ROOT / "eventgrid_pull" / "README.md").read_text(encoding="utf-8")
MODULES = set(re.findall(r"`(eventgrid_pull\.[\w.]+)`", README))


def is_public(module: str, name: str) -> bool:
    """Tell whether the README names that module, or the name as one of the package."""
    if module == "eventgrid_pull":
        return name in eventgrid_pull.__all__ or f"{module}.{name}" in MODULES
    return bool({module, f"{module}.{name}"} & MODULES)


def imported(node: ast.AST) -> list[tuple[str, str]]:
    """Return each module that is imported, and what from it."""
    if isinstance(node, ast.ImportFrom):
        return [(node.module or "", alias.name) for alias in node.names]
    names = node.names if isinstance(node, ast.Import) else []
    return [(alias.name, "") for alias in names]


def test_moderation_and_console_use_public_names_only() -> None:
    """
    What they needed beyond them, another app would need, too.
    """
    files = [ROOT / "function_app.py"]
    files += [f for p in ("moderation", "console") for f in (ROOT / p).rglob("*.py")]
    private = [
        f"{file.relative_to(ROOT)}: {module} {name}"
        for file in files
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        for module, name in imported(node)
        if module.partition(".")[0] == "eventgrid_pull" and not is_public(module, name)
    ]

    assert private == []

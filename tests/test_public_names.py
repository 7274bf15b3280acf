"""The app is made of the library as anyone else would make theirs."""

import ast
import re
from pathlib import Path

import eventgrid_pull

ROOT = Path(__file__).parents[1]
README = (ROOT / "eventgrid_pull" / "README.md").read_text(encoding="utf-8")
MODULES = set(re.findall(r"`(eventgrid_pull\.[\w.]+)`", README))


def is_public(module: str, name: str) -> bool:
    """Whether the library's README names a module, or one of its names."""
    named = {module, f"{module}.{name}"} & MODULES
    return bool(named) or name in eventgrid_pull.__all__


def test_moderation_and_console_use_public_names_only() -> None:
    """
    What they needed beyond them, another app would need, too.
    """
    files = [ROOT / "function_app.py"]
    files += [f for p in ("moderation", "console") for f in (ROOT / p).rglob("*.py")]
    private = [
        f"{file.relative_to(ROOT)}: {node.module}.{alias.name}"
        for file in files
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom)
        and (node.module or "").partition(".")[0] == "eventgrid_pull"
        for alias in node.names
        if not is_public(node.module or "", alias.name)
    ]

    assert private == []

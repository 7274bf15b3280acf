"""The documentation says what the code does, and its links lead somewhere."""

import json
import re
from pathlib import Path

import pytest

from console.routes import ROUTES
from moderation import settings, timers
from tools.stack.parts import extension_bundle

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
EXAMPLE = json.loads((ROOT / "local.settings.json.example").read_text("utf-8"))


def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "page", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix()
)
def test_every_link_within_the_project_leads_somewhere(page: Path) -> None:
    """A reader never meets a page that is not there."""
    for target in re.findall(r"\]\(([^)#]+)", page.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_every_setting_is_documented_and_in_the_example() -> None:
    """What the app reads, a person can look up; what the example has, the app reads."""
    read = {
        setting.name for setting in [*settings.SETTINGS, *timers.settings("<name>")]
    }
    host = {"FUNCTIONS_WORKER_RUNTIME", "AzureWebJobsStorage"}

    documented = text("docs/settings.md")

    assert [name for name in read if f"`{name}`" not in documented] == []
    of_the_app = {
        n for n in EXAMPLE["Values"] if not n.startswith(extension_bundle.PREFIX)
    }
    assert of_the_app - host <= read


def test_every_route_is_documented() -> None:
    """The API's table is complete, with who may call what."""
    documented = text("docs/api.md")

    for route in ROUTES:
        call = re.escape(f"| `{route.method} /api/{route.path}")
        row = rf"^{call}([\[?][^`]*)?` \| {route.role} \|"
        assert re.search(row, documented, re.MULTILINE), f"no row for {route}"


def test_every_decision_is_listed() -> None:
    """
    The list of decisions is how they are found, in the order in which they were made.
    """
    pages = sorted((ROOT / "docs" / "decisions").glob("0*.md"))
    titles = [page.read_text(encoding="utf-8").partition("\n")[0] for page in pages]

    listed = re.findall(r"^- \[(.*)\]\((.*)\)$", text("docs/decisions/README.md"), re.M)

    assert listed == [
        (f"{page.name[:4]}: {title.removeprefix('# ')}", page.name)
        for title, page in zip(titles, pages, strict=True)
    ]


def test_the_readme_names_the_commands_that_there_are() -> None:
    """Copying from the README works."""
    commands = re.findall(r"python3 dev\.py (\w+)", text("README.md"))

    assert {"run", "test"} <= set(commands)
    for command in commands:
        assert f'"{command}"' in text("dev.py")

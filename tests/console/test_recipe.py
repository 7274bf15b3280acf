"""A new event type is a Struct and its line in `TYPES`; everything else follows."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from textwrap import dedent, indent

from tests.make import a_result

ROOT = Path(__file__).parents[2]
TYPE = "com.contoso.ai.ContentAppealed"

# What follows, seen in a process of its own, which imports the copy.
SEEN = f"""
import json
from datetime import UTC, datetime

from console import openapi
from console.endpoints.app.topology import TYPES
from eventgrid_pull.event import Delivery
from eventgrid_pull.outcomes import Acknowledge
from moderation import events
from moderation.publishing import publish_request
from moderation.audit import entry

PLAIN = {{"content-type": "application/json"}}
now = datetime(2026, 11, 23, 10, 30, tzinfo=UTC)
result = {a_result(type="ContentAppealed")}
wrong = publish_request.read(json.dumps(result).encode(), PLAIN, now).problems
body = json.dumps(result | {{"appeal": "context is missing"}}).encode()
[event] = publish_request.events_in(body, PLAIN, now)
read = events.read(json.dumps(event).encode())
made = entry.entry("sub-new", Delivery("token", read), Acknowledge(), "")
schemas = openapi.document()["components"]["schemas"]
print(json.dumps({{
    "wrong": [problem.path for problem in wrong],
    "type": event["type"],
    "data": type(read.data).__name__,
    "appeal": read.data.appeal,
    "entry": [made.type, made.category, made.content_id],
    "shown": event["type"] in TYPES,
    "described": event["type"] in schemas["CloudEvent"]["properties"]["type"]["enum"],
    "sent": "appeal" in schemas["ModerationResult"]["properties"],
}}))
"""


def blocks() -> list[str]:
    """The code of CONTRIBUTING's recipe, as a person would copy it."""
    page = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    recipe = page.partition("## A new event type")[2].partition("\n## ")[0]
    return [dedent(block) for block in re.findall(r"```python\n(.*?)```", recipe, re.S)]


def test_a_new_event_type_is_published_read_kept_and_described(tmp_path: Path) -> None:
    """Whoever adds one edits one file, and has nothing to find."""
    for package in ("moderation", "console", "eventgrid_pull"):
        shutil.copytree(ROOT / package, tmp_path / package)
    code = tmp_path / "moderation" / "events.py"
    text, (struct, line) = code.read_text(encoding="utf-8"), blocks()
    head, begins, rest = text.partition("class Verdict(")
    table, closes, tail = rest.partition("\n}\n")
    steps = [head, struct, "\n\n", begins, table, "\n", indent(line, "    ")]
    code.write_text("".join([*steps, closes.lstrip("\n"), tail]), encoding="utf-8")

    done = subprocess.run(
        [sys.executable, "-c", SEEN], cwd=tmp_path, capture_output=True, check=False
    )

    assert done.returncode == 0, done.stderr.decode()
    assert json.loads(done.stdout) == {
        "wrong": ["$.appeal"],
        "type": TYPE,
        "data": "ContentAppealed",
        "appeal": "context is missing",
        "entry": [TYPE, "violence", "doc-1"],
        "shown": True,
        "described": True,
        "sent": True,
    }

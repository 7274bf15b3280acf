"""A real browser, what it is shown, and what accessibility rules say of that."""

import json
import os
import shutil
import sys
import uuid
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.async_playwright import Axe
from azure.core.exceptions import ResourceExistsError
from azure.storage.blob import BlobServiceClient
from playwright.async_api import Page

from tests.e2e.stacks import Stack
from tests.e2e.stored import a_flagged_image

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome", "msedge")
ELSEWHERE = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "C:/Program Files/Google/Chrome/Application/chrome.exe",
    "C:/Program Files (x86)/Microsoft/Edge/Application/msedge.exe",
)
A_PULL = 40_000  # ms: Event Grid's shortest long poll is 10 s, and machines are slow
SCRIPT = "<script>document.title='owned'</script>"
MARKUP = "<img src=x onerror=\"document.title='owned'\"><style>*{display:none}</style>"
SPOOF = "\u202eevil\u202c \u2066x\u2069 \u0000\u0007\u001b[31m \U0001f600 A\u0301"
HOSTILE = f"{MARKUP}{SCRIPT} {SPOOF} javascript:alert(1)"
HUGE = "W" * 1_000_000
MOST_OF_A_BLOCK = 4 * 1024 * 1024
# What no parser prints again as it was, and how that is seen in lines.
AS_IT_CAME = (
    r'{"authorId":1524831183200260097,"large":1e400,"whole":1.0,"\u0041":"\u0041\/\"",'
    r'"10":"ten","9":"nine","9":"nine again","none":{},"list":[1,2.50]}'
)
SHOWN_AS_IT_CAME = (
    *('"authorId": 1524831183200260097,', '"large": 1e400,', '"whole": 1.0,'),
    *(r'"\u0041": "\u0041\/\"",', '"10": "ten",', '"9": "nine",'),
    *('"9": "nine again",', '"none": {},', "2.50"),
)
TOO_WIDE = """() => [...document.querySelectorAll("body *")]
    .filter((one) => one.getBoundingClientRect().right > document.documentElement.clientWidth)
    .map((one) => `${one.tagName}.${one.className} ${one.textContent.slice(0, 40)}`).slice(-5)"""


def find_browser(bundled: str) -> str:
    """Where Chromium is; skips the test, and says how to get it, when it is nowhere."""
    named = os.environ.get("CHROMIUM_PATH", "")
    on_path = [found for name in BROWSERS if (found := shutil.which(name))]
    for candidate in (named, *on_path, *ELSEWHERE, bundled):
        if candidate and Path(candidate).is_file():
            return candidate
    pytest.skip(
        "NOT RUN in a browser: no Chromium found. Install it (Debian: apt-get install "
        f"chromium; anywhere: {sys.executable} -m playwright install chromium), or name "
        "one in CHROMIUM_PATH"
    )


async def violations(page: Page) -> list[str]:
    """What axe finds wrong with what is shown now: rule, and where."""
    found = await Axe().run(page)
    return [
        f"{violation['id']}: {violation['help']}: {node['target']} {node.get('failureSummary')}"
        for violation in found.response["violations"]
        for node in violation["nodes"]
    ]


async def overflow(page: Page) -> int:
    """By how many pixels the page is wider than its window."""
    width = (
        "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    )
    found = await page.evaluate(width)
    assert isinstance(found, int)
    if found:
        print("too wide:", await page.evaluate(TOO_WIDE))  # noqa: T201  # seen on failure
    return found


async def look_again(page: Page) -> None:
    """Have the page ask now what it would ask within half a minute: as a tab that is seen again does."""
    await page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")


def unique(prefix: str = "img") -> str:
    """A content id that no other test has."""
    return f"{prefix}-{uuid.uuid4().hex[:8]}"


def an_entry(at: datetime, **changes: Any) -> dict[str, Any]:
    """A line of the audit log; `data` is merged into its event's."""
    content_id = changes.get("contentId", "img-1")
    data = a_flagged_image(content_id) | changes.pop("data", {})
    id = changes.get("id", str(uuid.uuid4()))
    kind = changes.get("type", "com.contoso.ai.ContentFlagged")
    event = {
        "specversion": "1.0",
        "id": id,
        "source": "/services/content-moderation",
        "type": kind,
        "time": _stamp(at - timedelta(seconds=1)),
        "data": data,
    } | changes.pop("event", {})
    return {
        "at": _stamp(at),
        "subscription": "sub-flagged",
        "disposition": "acknowledge",
        "verdict": "quarantined",
        "deliveryCount": 1,
        "lockToken": uuid.uuid4().hex[:11],
        "id": id,
        "type": kind,
        "contentId": content_id,
        "event": event,
    } | changes


def entries(count: int, *, until: datetime, **changes: Any) -> list[dict[str, Any]]:
    """So many entries, a tenth of a second apart, the last at `until`."""
    return [
        an_entry(until - timedelta(seconds=(count - 1 - i) / 10), **changes)
        for i in range(count)
    ]


def store(stack: Stack, *lines: dict[str, Any]) -> None:
    """Write audit entries where the app would, as another writer than the app."""
    grouped: dict[str, list[bytes]] = {}
    for line in sorted(lines, key=lambda line: str(line["at"])):
        grouped.setdefault(_folder(line), []).append(_encoded(line))
    for folder, of_hour in grouped.items():
        _append(stack, folder, of_hour)


def store_lines(stack: Stack, entry: dict[str, Any], event: str) -> None:
    """Write an audit entry whose event is that text of JSON."""
    line = _encoded(entry | {"event": 0})
    whole = line.replace(b'"event":0', b'"event":' + event.encode())
    _append(stack, _folder(entry), [whole])


def _folder(line: dict[str, Any]) -> str:
    hour = str(line["at"])[:13].replace("-", "/").replace("T", "/")
    return f"{line['subscription']}/{hour}"


def _encoded(line: dict[str, Any]) -> bytes:
    """Encode it as the app does: not escaped."""
    text = json.dumps(line, separators=(",", ":"), ensure_ascii=False)
    return text.encode() + b"\n"


def _append(stack: Stack, folder: str, lines: list[bytes]) -> None:
    """Append the lines to a new blob, in blocks of at most 4 MB."""
    with BlobServiceClient.from_connection_string(stack.storage) as service:
        container = service.get_container_client("audit")
        with suppress(ResourceExistsError):
            container.create_container()
        blob = container.get_blob_client(f"{folder}/page-{uuid.uuid4().hex}.ndjson")
        blob.create_append_blob()
        block, size = [lines[0]], len(lines[0])
        for line in lines[1:]:
            if size + len(line) > MOST_OF_A_BLOCK:
                blob.append_block(b"".join(block))
                block, size = [], 0
            block.append(line)
            size += len(line)
        blob.append_block(b"".join(block))


def _stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")

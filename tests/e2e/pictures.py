"""Pictures of every view of the page: `python -m tests.e2e.pictures`.

Starts a stack, gives it something to show and leaves `docs/images/<view>.png`. With a
folder as argument, every view in light and dark at 360, 1280 and 3840 px goes there.
"""

import asyncio
import json
import re
import sys
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

from playwright.async_api import Browser, Page, async_playwright, expect

from tests.e2e.browser import find_browser
from tests.e2e.stacks import Stack, launch, wait_until_it_serves
from tests.e2e.stored import an_hour

ROOT = Path(__file__).parents[2]
IMAGES = ROOT / "docs" / "images"
VIEWS = re.findall(
    r'name: "([a-z]+)"', (ROOT / "console/web/views.js").read_text("utf-8")
)
JSON = "application/json"
PATIENCE = 30_000  # ms
SETTLED = 1500  # ms: for what is drawn after the last answer
HEIGHTS = {360: 780, 1280: 860, 3840: 2160}
MIXED = [
    ("img-4830", "violence", "high", 0.97),
    ("doc-2061", "hate-speech", "medium", 0.83),
    ("vid-0912", "sexual", "low", 0.64),
    ("img-4831", "spam", "medium", 0.71),
    ("doc-2062", "harassment", "high", 0.92),
]


class Shot(NamedTuple):
    """One picture to take."""

    view: str
    width: int
    scheme: Any
    path: Path


def main() -> None:
    """Take the pictures."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else None
    shots = everything(folder) if folder else for_the_docs()
    with tempfile.TemporaryDirectory() as place:
        stack = launch(Path(place))
        try:
            wait_until_it_serves(stack)
            followed = fill(stack)
            asyncio.run(take(stack, shots, followed))
        finally:
            stack.stop()


def for_the_docs() -> list[Shot]:
    """Each view once, as the documentation shows it."""
    return [Shot(view, 1280, "light", IMAGES / f"{view}.png") for view in VIEWS]


def everything(folder: Path) -> list[Shot]:
    """Each view in every size and scheme that it is made for."""
    return [
        Shot(view, width, scheme, folder / f"{view}-{width}-{scheme}.png")
        for view in VIEWS
        for width in HEIGHTS
        for scheme in ("light", "dark")
    ]


def fill(stack: Stack) -> dict[str, str]:
    """Publish and pull what there is to see; the event whose life is shown."""
    an_hour(stack)
    post(stack, "/api/events/samples")
    results = [a_result(*result) for result in MIXED]
    contradiction = a_result("doc-2063", "safe", "low", 0.9) | {
        "type": "ContentFlagged"
    }
    published = post(stack, "/api/events", [*results, contradiction])["events"]
    post(stack, "/api/pull")
    entry = audit(stack, published[-1]["id"])
    return {"id": entry["id"], "at": entry["at"]}


def a_result(
    content_id: str, category: str, severity: str, confidence: float
) -> dict[str, Any]:
    """A moderation result."""
    return {
        "contentId": content_id,
        "contentType": "image" if content_id.startswith("img") else "text",
        "modelName": "vision-moderator-v3",
        "modelVersion": "3.2.1",
        "confidence": confidence,
        "category": category,
        "severity": severity,
        "reviewRequired": True,
    }


def post(stack: Stack, path: str, content: object = None) -> Any:
    """What a POST that must succeed answers."""
    body = b"" if content is None else json.dumps(content).encode()
    answer = stack.call("POST", path, body, Content_Type=JSON)
    assert answer.status in (200, 202), answer.body
    return answer.json()


def audit(stack: Stack, id: str) -> Any:
    """The newest entry of an event."""
    answer = stack.call("GET", f"/api/audit?id={id}&limit=1&subscription=sub-flagged")
    assert answer.status == 200, answer.body
    return answer.json()["entries"][0]


async def take(stack: Stack, shots: list[Shot], followed: dict[str, str]) -> None:
    """Open each view as it is to be seen, and keep what is seen."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=find_browser(playwright.chromium.executable_path),
            args=["--no-sandbox"],  # containers run as root
        )
        for shot in shots:
            await picture(browser, stack, shot, followed)
        await browser.close()


async def picture(
    browser: Browser, stack: Stack, shot: Shot, followed: dict[str, str]
) -> None:
    """One picture, of all of the view."""
    page = await browser.new_page(
        locale="en-GB",
        timezone_id="UTC",
        color_scheme=shot.scheme,
        reduced_motion="reduce",
        viewport={"width": shot.width, "height": HEIGHTS[shot.width]},
    )
    query = f"?id={followed['id']}&at={followed['at']}" if shot.view == "event" else ""
    await page.goto(f"{stack.url}/api/#/{shot.view}{query}")
    await settled(page)
    if shot.view == "peek":  # the pull of the beginning would have taken them
        held = [a_result("img-4832", "violence", "medium", 0.88)] * 3
        await asyncio.to_thread(post, stack, "/api/events", held)
    await pressed(page, shot.view)
    shot.path.parent.mkdir(parents=True, exist_ok=True)
    await page.screenshot(path=shot.path, full_page=True)
    await page.close()


async def pressed(page: Page, view: str) -> None:
    """Do what shows the view at work."""
    if view == "peek":
        await page.get_by_role("button", name="Receive", exact=True).click()
        await expect(page.locator(".held-event").first).to_be_visible(timeout=PATIENCE)
    if view == "deadletters":
        await page.get_by_label("Choose all on this page").check()
        await page.get_by_role("button", name="Dry run").click()
        await expect(page.locator(".results")).not_to_be_empty(timeout=PATIENCE)


async def settled(page: Page) -> None:
    """Wait until everything was asked once and is drawn."""
    pulse, health = page.locator("#pulse"), page.locator("#health-pulse")
    await expect(pulse).to_contain_text("Live", timeout=PATIENCE)
    await expect(health).not_to_be_empty(timeout=PATIENCE)
    await page.wait_for_timeout(SETTLED)


if __name__ == "__main__":
    main()

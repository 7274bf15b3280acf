"""The emulator's own page in a real browser."""

import os
import shutil
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from playwright.async_api import Page, async_playwright, expect

from eventgrid_emulator import EmulatedNamespace
from tests.eventgrid_emulator.wire import EVENT, Wire, lock_tokens

pytestmark = [pytest.mark.e2e, pytest.mark.browser]

TOPOLOGY = Path(__file__).parents[2] / "moderation" / "topology.json"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome", "msedge")
HOSTILE = "<img src=x onerror=\"document.title='owned'\">"


def find_browser(bundled: str) -> str:
    """Where a Chromium is; skips the test when it is nowhere."""
    named = os.environ.get("CHROMIUM_PATH")
    for program in (named, *(shutil.which(name) for name in BROWSERS), bundled):
        if program and Path(program).is_file():
            return program
    pytest.skip(
        "NOT RUN in a browser: no Chromium found. Install it, for instance with"
        f" {sys.executable} -m playwright install chromium"
    )


@pytest.fixture
async def page() -> AsyncIterator[Page]:
    """A tab that fails the test when a script of the page does."""
    async with async_playwright() as playwright:
        path = find_browser(playwright.chromium.executable_path)
        browser = await playwright.chromium.launch(executable_path=path)
        tab = await browser.new_page()
        problems: list[str] = []
        tab.on("pageerror", lambda problem: problems.append(str(problem)))
        yield tab
        await browser.close()
        assert problems == []


async def test_the_page_shows_queues_moves_the_clock_and_explains(page: Page) -> None:
    """What is queued, one event's history, and why a filter matches."""
    async with EmulatedNamespace(TOPOLOGY) as namespace:
        headers = {"Authorization": f"SharedAccessKey {namespace.key}"}
        async with aiohttp.ClientSession(namespace.endpoint, headers=headers) as http:
            wire = Wire(http)
            await wire.publish(EVENT | {"id": HOSTILE}, EVENT)
            found = await wire.receive(1)
            tokens = lock_tokens(found)
            await wire.settle("release", tokens, releaseDelayInSeconds="3600")
        await page.goto(f"{namespace.endpoint}/_local/")

        row = page.locator("#rows tr").filter(has_text="sub-all-events")
        await expect(row.locator("td").nth(1)).to_have_text("1")
        await expect(row.locator("td").nth(3)).to_have_text("1")
        await page.get_by_role("button", name="1 hour").click()
        await expect(row.locator("td").nth(1)).to_have_text("2")

        await page.get_by_label("Event id").fill(HOSTILE)
        await page.locator("#history").get_by_role("button", name="Show").click()
        await expect(page.locator("#steps")).to_contain_text("released")
        await page.get_by_role("button", name="Explain").click()
        verdicts = page.locator("#verdicts")
        await expect(verdicts).to_contain_text("sub-flagged: receives it")
        await expect(verdicts).to_contain_text("sub-approved: does not receive it")
        await page.get_by_label("An event as JSON").fill("{broken")
        await page.get_by_role("button", name="Explain").click()
        await expect(page.get_by_role("status")).to_contain_text("cannot be used")
        assert await page.title() == "Event Grid emulator"
        folder = os.environ.get("SCREENSHOTS")
        if folder:
            await page.screenshot(path=Path(folder, "emulator.png"), full_page=True)

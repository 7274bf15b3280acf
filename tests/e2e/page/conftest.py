"""A tab of a real browser for each test, and the stack that it looks at."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from playwright.async_api import Page, async_playwright, expect

from tests.e2e.browser import find_browser
from tests.e2e.stacks import Stack, launch, wait_until_it_serves

PATIENCE = 20_000  # ms: the page asks one thing after another, and machines are slow
expect.set_options(timeout=PATIENCE)


@pytest.fixture
async def page() -> AsyncIterator[Page]:
    """A tab in English and UTC that fails the test when a script of the page does."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=find_browser(playwright.chromium.executable_path),
            args=["--no-sandbox"],  # containers run as root
        )
        tab = await browser.new_page(
            locale="en-GB", timezone_id="UTC", reduced_motion="reduce"
        )
        broken: list[str] = []
        tab.on("pageerror", lambda error: broken.append(str(error)))
        tab.on("console", lambda message: _note(message.text, broken))
        yield tab
        await browser.close()
    assert broken == []


def _note(text: str, broken: list[str]) -> None:
    if "Content Security Policy" in text:
        broken.append(text)


@pytest.fixture(scope="session")
def empty_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack that nobody publishes to."""
    started = launch(tmp_path_factory.mktemp("empty-stack"))
    try:
        yield wait_until_it_serves(started)
    finally:
        started.stop()


@pytest.fixture(scope="session")
def unset_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack whose settings are wrong: every call that needs them is answered 503."""
    wrong = {"EVENTGRID_ENDPOINT": "ftp://x", "PULL_BUDGET_SECONDS": "soon"}
    folder: Path = tmp_path_factory.mktemp("unset-stack")
    started = launch(folder, settings=wrong)
    try:
        yield wait_until_it_serves(started)
    finally:
        started.stop()

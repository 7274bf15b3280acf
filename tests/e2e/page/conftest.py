"""A tab of a real browser for each test, and the stack that it looks at."""

from collections.abc import AsyncIterator, Iterator
from inspect import iscoroutinefunction
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, async_playwright, expect

from tests.e2e.browser import find_browser
from tests.e2e.stacks import Stack, running

PATIENCE = 20_000  # ms: the page asks one thing after another, and machines are slow
expect.set_options(timeout=PATIENCE)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the tests of this folder on the loop of the one browser that they share."""
    for item in items:
        is_ours = item.path.parent == Path(__file__).parent
        if is_ours and iscoroutinefunction(getattr(item, "obj", None)):
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """Chromium, started once: each test has a profile of its own in it."""
    async with async_playwright() as playwright:
        started = await playwright.chromium.launch(
            executable_path=find_browser(playwright.chromium.executable_path),
            args=["--no-sandbox"],  # containers run as root
        )
        yield started
        await started.close()


@pytest_asyncio.fixture(loop_scope="session")
async def page(browser: Browser) -> AsyncIterator[Page]:
    """A tab in English and UTC that fails the test when a script of the page does."""
    profile = await browser.new_context(
        locale="en-GB", timezone_id="UTC", reduced_motion="reduce"
    )
    tab = await profile.new_page()
    broken: list[str] = []
    tab.on("pageerror", lambda error: broken.append(str(error)))
    tab.on("console", lambda message: _note(message.text, broken))
    yield tab
    for opened in profile.pages:  # an answer under way is no failure of the next test
        await opened.unroute_all(behavior="ignoreErrors")
    await profile.close()
    assert broken == []


def _note(text: str, broken: list[str]) -> None:
    if "Content Security Policy" in text:
        broken.append(text)


@pytest.fixture(scope="session")
def empty_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack that nobody publishes to."""
    with running(tmp_path_factory.mktemp("empty-stack")) as started:
        yield started

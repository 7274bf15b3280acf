"""The page on a host that asks for keys: the reader's, the operator's, and none."""

import hashlib

import pytest
from playwright.async_api import Page, expect

from tests.e2e.stacks import Stack
from tools.stack.settings.local_keys import LocalKeys

pytestmark = [pytest.mark.e2e, pytest.mark.browser]


async def give(page: Page, key: str) -> None:
    await page.get_by_role("textbox", name="Function key").fill(key)
    await page.get_by_role("button", name="Use this key").click()


async def test_without_a_key_the_page_asks_for_one(page: Page, guarded: Stack) -> None:
    """The host's bare 401 is explained where the key can be given."""
    await page.goto(f"{guarded.url}/api/")

    await expect(page.locator("#key")).to_contain_text("only callers with a function")

    await give(page, "wrong")
    await expect(page.locator("#key")).to_contain_text("was refused")


async def test_a_readers_key_shows_and_does_nothing(
    page: Page, guarded: Stack, keys: LocalKeys
) -> None:
    """What a reader may not do rests, and says why; the key is in no address."""
    await page.goto(f"{guarded.url}/api/")
    await give(page, keys.reader)

    await expect(page.locator("#caller")).to_contain_text("reader")
    samples = page.get_by_role("button", name="Publish the five samples")
    await expect(samples).to_have_attribute("aria-disabled", "true")
    await page.get_by_role("link", name="Stream", exact=True).click()
    await expect(page.locator("#stage")).to_contain_text("Live")
    await expect(page.locator("#key")).to_be_hidden()
    assert keys.reader not in page.url


async def test_an_operators_key_acts_and_is_named_for_it(
    page: Page, guarded: Stack, keys: LocalKeys
) -> None:
    """Who published is in the event's life, by the first digits of the key's hash."""
    await page.goto(f"{guarded.url}/api/")
    await give(page, keys.operator)
    await expect(page.locator("#caller")).to_contain_text("operator")

    await page.get_by_role("button", name="Publish the five samples").click()
    await page.get_by_role("link", name="img-4821").first.click()

    stage = page.locator("#stage")
    await expect(stage).to_contain_text("Published", timeout=15_000)
    hashed = hashlib.sha256(keys.operator.encode()).hexdigest()[:16]
    await expect(stage).to_contain_text(f"by key {hashed}")
    await expect(page.locator("#caller")).to_contain_text(f"key {hashed}")

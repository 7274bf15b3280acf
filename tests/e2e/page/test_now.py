"""The view Now, against the real stack: publish, pull, inspect."""

import asyncio
import json
import re
from typing import Any

import pytest
from playwright.async_api import Locator, Page, Route, expect

from tests.e2e.browser import A_PULL, HOSTILE, overflow, unique, violations
from tests.e2e.stacks import Stack

RECEIVED = re.compile(r"\d+ events received")

pytestmark = [pytest.mark.e2e, pytest.mark.browser]


def card(page: Page, name: str) -> Locator:
    """The card of one event subscription."""
    return page.get_by_role("article", name=name)


async def publish(page: Page, **changes: Any) -> None:
    """Change the example in the text field, and publish it with the keyboard."""
    field = page.get_by_label("Or your own event")
    example = json.loads(await field.input_value())
    await field.fill(json.dumps(example | changes, indent=2))
    await field.press("Control+Enter")


async def test_samples_can_be_published_pulled_followed_and_inspected(
    page: Page, fresh_stack: Stack
) -> None:
    """The page alone shows the whole story: 2 / 2 / 5, a life, and an envelope."""
    await page.goto(f"{fresh_stack.url}/api/")
    await expect(page).to_have_title("Now · Moderation events")
    await expect(page.locator("#health-pulse")).to_contain_text("Healthy")
    for name in ("sub-flagged", "sub-approved", "sub-all-events"):
        await expect(card(page, name)).to_contain_text("Nothing recorded yet")

    await page.get_by_role("button", name="Publish the five samples").click()
    await expect(page.locator("#publish")).to_contain_text("5 events published")
    rows = page.get_by_role("region", name="Published events").locator("tbody tr")
    await expect(rows).to_have_count(5)
    await expect(rows.first).to_contain_text(re.compile("img-4821.*violence.*0.97"))

    await page.get_by_role("button", name="Pull all now").click()
    await expect(page.locator("#pull-outcome")).to_contain_text(
        RECEIVED, timeout=A_PULL
    )
    await sees_two_two_and_five(page)
    assert await violations(page) == []

    escalated = card(page, "sub-all-events").get_by_role("link", name="doc-3301")
    await escalated.last.click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("One event")
    await page.go_back()

    await expect(page.locator("#pull-outcome")).to_contain_text(RECEIVED)
    await page.get_by_role("button", name="Inspect and reject a probe").click()
    inspected = page.get_by_role("region", name="Inspect and reject")
    await expect(inspected).to_contain_text("received and rejected", timeout=A_PULL)
    await expect(inspected).to_contain_text(re.compile("Delivery count\\s*1"))
    await expect(inspected.locator("pre")).to_contain_text('"test-inspect"')
    await expect(card(page, "sub-flagged").locator(".latest")).to_contain_text(
        "✕ rejected", timeout=A_PULL
    )


async def test_a_pull_that_takes_long_says_what_came_so_far(
    page: Page, fresh_stack: Stack
) -> None:
    """Nobody has to guess whether it is at work."""
    go_on = asyncio.Event()

    async def hold(route: Route) -> None:
        await go_on.wait()
        await route.continue_()

    await page.route("**/api/pull", hold)
    await page.goto(f"{fresh_stack.url}/api/")
    await expect(card(page, "sub-flagged")).to_contain_text("Nothing recorded yet")
    await asyncio.to_thread(fresh_stack.call, "POST", "/api/events/samples")

    await page.get_by_role("button", name="Pull all now").click()
    await asyncio.to_thread(fresh_stack.call, "POST", "/api/pull")

    outcome = page.locator("#pull-outcome")
    await expect(outcome).to_contain_text("So far: 9 events", timeout=A_PULL)
    go_on.set()
    await expect(outcome).to_contain_text("Pull finished: 0 events", timeout=A_PULL)


async def sees_two_two_and_five(page: Page) -> None:
    counts = {"sub-flagged": 2, "sub-approved": 2, "sub-all-events": 5}
    for name, count in counts.items():
        summary = f"Last pull: {count} received, {count} acknowledged"
        await expect(card(page, name)).to_contain_text(summary)
        entries = card(page, name).locator(".latest li")
        await expect(entries).to_have_count(count)
        strip = card(page, name).locator(".activity table tbody tr")
        await expect(strip).to_have_count(1)
    await expect(card(page, "sub-flagged")).not_to_contain_text("doc-3301")


async def test_an_event_is_checked_while_it_is_typed(page: Page, stack: Stack) -> None:
    """
    Each problem is shown with its line, and a press on the line selects it.
    """
    await page.goto(f"{stack.url}/api/")
    field = page.get_by_label("Or your own event")
    checked = page.locator(".checked")
    await expect(checked).to_contain_text("Valid: 1 event")

    example = json.loads(await field.input_value())
    await field.fill(json.dumps(example | {"confidence": 1.7}, indent=2))
    await expect(checked).to_contain_text("1 problem")
    await expect(checked.locator("code", has_text="$.confidence")).to_be_visible()
    await checked.get_by_role("button", name="line 7").click()
    selected = await field.evaluate(
        "one => one.value.slice(one.selectionStart, one.selectionEnd)"
    )
    assert selected == '"confidence": 1.7'
    assert await violations(page) == []

    await field.fill('{\n "type": "ContentFlagged",\n oops}')
    await expect(checked).to_contain_text("Not JSON yet")
    await expect(checked.get_by_role("button", name="line 3")).to_be_visible()

    await page.get_by_role("button", name="Restore the example").click()
    await expect(checked).to_contain_text("Valid: 1 event")


async def test_what_is_wrong_with_an_event_is_listed_with_its_place(
    page: Page, stack: Stack
) -> None:
    """
    Status, every problem with its JSON path, and what to do next; text that is no
    JSON is answered in words too.
    """
    await page.goto(f"{stack.url}/api/")
    outcome = page.locator("#publish .outcome")

    await publish(page, confidence=1.7, contentId="")
    await expect(outcome).to_contain_text("status 400")
    await expect(outcome.locator("li")).to_have_count(2)
    for path in ("$.confidence", "$.contentId"):
        await expect(outcome.locator("code", has_text=path)).to_be_visible()
    await expect(outcome).to_contain_text("What to do next")

    await page.get_by_label("Or your own event").fill("{not json")
    await page.get_by_role("button", name="Publish this").click()
    await expect(outcome).to_contain_text("not JSON")


async def test_hostile_content_is_only_ever_text(page: Page, stack: Stack) -> None:
    """
    Markup in any field is shown as it was written, nothing of it runs, and the page
    is no wider for it.
    """
    hostile = HOSTILE.replace("\x00", "")
    content_id = f"{unique()}{hostile}"
    await page.goto(f"{stack.url}/api/")
    texts = dict.fromkeys(("contentType", "category", "modelName"), hostile)
    await publish(page, contentId=content_id, **texts)
    table = page.get_by_role("region", name="Published events")
    await expect(table).to_contain_text("<img src=x")

    pull = card(page, "sub-flagged").get_by_role("button", name="Pull now")
    await pull.click()
    row = card(page, "sub-flagged").locator(".latest li", has_text=content_id[:12])
    await expect(row).to_contain_text("<img src=x onerror", timeout=A_PULL)

    await expect(page.locator("img")).to_have_count(1)
    await expect(page).to_have_title("Now · Moderation events")
    await page.set_viewport_size({"width": 360, "height": 740})
    assert await overflow(page) == 0
    assert await violations(page) == []


async def test_the_keyboard_alone_publishes_and_follows_an_event(
    page: Page, stack: Stack
) -> None:
    """Control and Enter publish, Enter follows the event, and back is where one was."""
    await page.goto(f"{stack.url}/api/")
    content_id = unique()
    await publish(page, contentId=content_id)
    link = page.get_by_role("region", name="Published events").get_by_role("link")
    await expect(link).to_have_text(content_id)

    await link.focus()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", level=1)).to_have_text("One event")
    await expect(page).to_have_url(
        re.compile(r"#/event\?id=[0-9a-f-]+&source=[^&]+&at=2")
    )
    await page.go_back()

    await expect(link).to_be_visible()

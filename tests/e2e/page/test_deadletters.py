"""The view Dead letters: looking, choosing, a dry run, redriving, saving."""

import json
import re
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.async_api import Locator, Page, expect

from tests.e2e.browser import HOSTILE, overflow, unique, violations
from tests.e2e.stacks import Stack
from tests.e2e.stored import an_event, bury, now

pytestmark = [pytest.mark.e2e, pytest.mark.browser]


def letter(page: Page, content_id: str) -> Locator:
    """The row of one dead letter."""
    return page.locator(".letter", has_text=content_id)


async def test_chosen_dead_letters_are_tried_then_redriven_then_archived(
    page: Page, stack: Stack
) -> None:
    """A dry run, a confirmation that names handlers, the outcome, and the archive."""
    good, bad = unique(), unique()
    bury(stack, an_event(contentId=good))
    bury(stack, an_event(contentId=bad, data={"severity": 7}))
    await page.goto(f"{stack.url}/api/#/deadletters?subscription=sub-flagged")
    await expect(letter(page, good)).to_contain_text("MaxDeliveryAttemptsExceeded")
    await expect(letter(page, good)).to_contain_text("10 attempts")

    for event in (good, bad):
        await letter(page, event).get_by_role("checkbox").check()
    await page.get_by_role("button", name="Dry run").click()
    await expect(letter(page, good)).to_contain_text(
        "would be given to the handler of sub-flagged"
    )
    await expect(letter(page, bad)).to_contain_text("dry run:")
    await expect(page.locator(".results")).to_contain_text("nothing was changed")
    assert await violations(page) == []

    await page.get_by_role("button", name="Redrive…").click()
    dialog = page.get_by_role("dialog", name="Redrive 2 dead letters?")
    await expect(dialog).to_contain_text("2 through the handler of sub-flagged")
    await expect(dialog.get_by_role("button", name="Cancel")).to_be_focused()
    assert await violations(page) == []
    await dialog.get_by_role("button", name="Redrive 2").click()
    await expect(letter(page, good)).to_contain_text("archived")
    await expect(page.get_by_role("heading", name="Redriven")).to_be_focused()
    await expect(letter(page, good).get_by_role("checkbox")).to_be_disabled()


async def test_the_archive_shows_who_redrove_what(page: Page, stack: Stack) -> None:
    """
    A redriven one is in the archive with its lineage, and no more among the waiting.
    """
    content_id = unique()
    bury(
        stack,
        an_event(
            contentId=content_id,
            type="com.contoso.ai.ContentApproved",
            data={"category": "safe", "severity": "none", "reviewRequired": False},
        ),
        subscription="sub-approved",
    )
    await page.goto(f"{stack.url}/api/#/deadletters?subscription=sub-approved")
    await letter(page, content_id).get_by_role("checkbox").check()
    await page.get_by_role("button", name="Dry run").click()
    await page.get_by_role("button", name="Redrive…").click()
    await page.get_by_role("button", name="Redrive 1").click()
    await expect(letter(page, content_id)).to_contain_text("(archived)")

    await page.get_by_role("link", name="Archived").click()
    await letter(page, content_id).get_by_role("button").click()

    dialog = page.get_by_role("dialog", name="Dead letter")
    await expect(dialog).to_contain_text("acknowledged")
    await expect(dialog).to_contain_text("by anyone")
    await expect(page.get_by_role("checkbox")).to_have_count(0)


async def test_an_events_data_is_shown_when_asked_for(page: Page, stack: Stack) -> None:
    """Opened by address or Enter: the envelope without its data, with it on request."""
    content_id = unique()
    data = {"category": "secret-category"}
    bury(stack, an_event(contentId=content_id, data=data, egpublishedby="key 0123"))
    await page.goto(f"{stack.url}/api/#/deadletters")
    row = letter(page, content_id).get_by_role("button")
    await row.focus()
    await page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="Dead letter")
    await expect(dialog.locator("pre")).to_contain_text('"redacted": true')
    await expect(dialog).not_to_contain_text("secret-category")
    await expect(dialog.locator(".facts")).to_contain_text("as the event says")
    await expect(dialog.locator(".facts")).to_contain_text("key 0123")
    await expect(page).to_have_url(re.compile("name=local%2Fmoderation-events"))
    assert await violations(page) == []
    address = page.url

    await dialog.get_by_role("button", name="Reveal the event's data").press("Enter")
    await expect(dialog.locator("pre")).to_contain_text("secret-category")
    link = dialog.get_by_role("link", name="The whole life of this event")
    await expect(link).to_have_attribute("href", re.compile(r"#/event\?id="))
    await page.keyboard.press("Escape")
    await expect(row).to_be_focused()
    await expect(page).not_to_have_url(re.compile("name="))

    await page.goto("about:blank")
    await page.goto(address)
    await expect(dialog).to_contain_text(content_id)


async def test_a_day_can_be_chosen_and_saved_whole(
    page: Page, stack: Stack, tmp_path: Path
) -> None:
    """Yesterday's by the keyboard; more than a page at a time; NDJSON has them all."""
    yesterday = now() - timedelta(days=1)
    ids = [unique() for _ in range(60)]
    bury(
        stack,
        *(an_event(contentId=content_id) for content_id in ids),
        at=yesterday,
        subscription="sub-all-events",
    )
    await page.goto(f"{stack.url}/api/#/deadletters?subscription=sub-all-events")
    await page.get_by_role("button", name="The day before").focus()
    await page.keyboard.press("Enter")
    await expect(page).to_have_url(re.compile(f"day={yesterday:%Y-%m-%d}"))
    await expect(page.locator(".letter")).to_have_count(50)

    await page.get_by_label("Choose all on this page").check()
    await expect(page.locator(".chosen")).to_contain_text("50 chosen")
    await page.get_by_role("button", name="Choose none").click()
    await page.get_by_role("button", name="Show more").click()
    await expect(page.locator(".letter")).to_have_count(60)
    async with page.expect_download() as saving:
        await page.get_by_role("button", name="NDJSON").click()
    saved = tmp_path / "saved.ndjson"
    await (await saving.value).save_as(saved)

    lines = [json.loads(line) for line in saved.read_text("utf-8").splitlines()]
    assert {line["contentId"] for line in lines} >= set(ids)


async def test_a_day_without_dead_letters_is_said_to_be_empty(
    page: Page, empty_stack: Stack
) -> None:
    """It says what that means, and where one can be had to look at."""
    await page.goto(f"{empty_stack.url}/api/#/deadletters")

    await expect(page.locator("#stage")).to_contain_text("Nothing was dead-lettered")
    link = page.get_by_role("link", name="inspect and reject a probe")
    await expect(link).to_have_attribute("href", "#/now")
    assert await violations(page) == []


async def test_hostile_dead_letters_are_text_and_fit_a_telephone(
    page: Page, stack: Stack
) -> None:
    """
    Whatever Event Grid or a publisher wrote is shown as it is, and nothing of it runs.
    """
    content_id = f"{unique()}{HOSTILE}{'W' * 100_000}"
    event = an_event(contentId=content_id, type=HOSTILE, id=HOSTILE, subject=HOSTILE)
    bury(stack, event, deadletterreason=HOSTILE, deliveryresult="W" * 10_000)
    await page.set_viewport_size({"width": 360, "height": 740})
    await page.goto(f"{stack.url}/api/#/deadletters?subscription=sub-flagged")
    row = letter(page, content_id[:12])
    await expect(row).to_contain_text("<img src=x")
    assert await overflow(page) == 0
    assert await violations(page) == []

    await row.get_by_role("button").click()
    dialog = page.get_by_role("dialog", name="Dead letter")
    await dialog.get_by_role("button", name="Reveal the event's data").click()
    await expect(dialog.locator("pre")).to_contain_text("onerror=")

    await expect(page.locator("#stage img, #stage script, #stage style")).to_have_count(
        0
    )
    await expect(page).to_have_title("Dead letters · Moderation events")
    assert await overflow(page) == 0
    assert await violations(page) == []
    await page.emulate_media(color_scheme="dark")
    assert await violations(page) == []

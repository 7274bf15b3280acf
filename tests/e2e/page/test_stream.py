"""The view Stream: live until it is read, filtered by address, and many rows long."""

import csv
import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.async_api import Page, Route, expect

from tests.e2e.browser import (
    HOSTILE,
    HUGE,
    an_entry,
    entries,
    look_again,
    overflow,
    store,
    unique,
    violations,
)
from tests.e2e.stacks import Stack

pytestmark = [pytest.mark.e2e, pytest.mark.browser]


def now() -> datetime:
    """The moment that the app would stamp."""
    return datetime.now(UTC)  # noqa: TID251  # the app reads entries by its own clock


def address(stack: Stack, text: str, **filters: str) -> str:
    """The stream of entries with that text."""
    query = "&".join(f"{name}={value}" for name, value in filters.items())
    return f"{stack.url}/api/#/stream?text={text}{query and '&'}{query}"


async def test_entries_are_listed_newest_first_and_lead_to_their_event(
    page: Page, stack: Stack
) -> None:
    """A row says when, where, what, which and why, and its link carries the time."""
    mark, at = unique("list"), now()
    released = an_entry(
        at,
        contentId=mark,
        disposition="release",
        verdict=None,
        reason="the model is busy",
        delaySeconds=60,
        deliveryCount=2,
    )
    store(stack, an_entry(at - timedelta(seconds=5), contentId=mark), released)
    await page.goto(address(stack, mark))

    rows = page.locator(".entries li")
    await expect(rows).to_have_count(2)
    await expect(rows.first).to_contain_text(
        re.compile("sub-flagged.*released.*violence.*high.*the model is busy")
    )
    await expect(rows.last).to_contain_text("quarantined")
    assert await violations(page) == []

    await rows.first.get_by_role("link").click()
    await expect(page).to_have_url(
        re.compile(
            rf"#/event\?id={released['id']}&source=[^&]+&at={str(released['at'])[:4]}"
        )
    )
    await page.go_back()
    await expect(rows).to_have_count(2)


async def test_nothing_recorded_and_nothing_found_are_said(
    page: Page, empty_stack: Stack
) -> None:
    """An empty stream says what to do; an empty search says how far it looked."""
    await page.goto(f"{empty_stack.url}/api/#/stream")
    foot = page.locator(".stream-foot")
    await expect(foot).to_contain_text("Nothing recorded yet")

    await page.get_by_label("Text").fill("nowhere")

    await expect(foot).to_contain_text("No entry matches")
    await page.get_by_role("button", name="Clear").click()
    await expect(foot).to_contain_text("Nothing recorded yet")


async def test_filters_are_in_the_address(page: Page, stack: Stack) -> None:
    """What is filtered is in the address, and the address alone gives it back."""
    mark, at = unique("filter"), now()
    store(
        stack,
        an_entry(at, contentId=mark),
        an_entry(at, contentId=mark, subscription="sub-all-events"),
        an_entry(at, contentId=mark, disposition="reject", reason="bad"),
        an_entry(at, contentId=mark, data={"category": "spam"}),
        an_entry(at, contentId=mark, type="com.contoso.ai.ContentApproved"),
    )
    await page.goto(address(stack, mark))
    rows = page.locator(".entries li")
    await expect(rows).to_have_count(5)

    await page.get_by_label("Event subscription").select_option("sub-all-events")
    await expect(rows).to_have_count(1)
    await page.get_by_label("Event subscription").select_option("")
    await page.get_by_label("Disposition").select_option("reject")
    await expect(rows).to_have_count(1)
    await page.get_by_label("Disposition").select_option("")
    await page.get_by_label("Category").fill("spam")
    await expect(rows).to_have_count(1)
    await page.get_by_label("Category").fill("")
    await page.get_by_label("Event type").fill("ContentApproved")
    await expect(rows).to_have_count(1)

    await expect(page).to_have_url(re.compile(f"type=ContentApproved&text={mark}"))
    await page.reload()
    await expect(rows).to_have_count(1)
    await expect(page.get_by_label("Event type")).to_have_value("ContentApproved")


async def test_nothing_moves_under_the_pointer(page: Page, stack: Stack) -> None:
    """
    While someone points at a row, new entries are counted; away from it, they come.
    """
    mark = unique("live")
    store(stack, *entries(5, until=now(), contentId=mark))
    await page.goto(address(stack, mark))
    rows, fresh = page.locator(".entries li"), page.locator(".fresh")
    await expect(rows).to_have_count(5)
    await expect(page.locator(".live-state")).to_have_text("Live")

    await rows.nth(1).hover()
    before = await rows.nth(1).bounding_box()
    store(stack, *entries(3, until=now(), contentId=mark))

    await look_again(page)
    await expect(fresh).to_have_text("3 new")
    await expect(page.locator(".live-state")).to_have_text("Paused while you read")
    await expect(rows).to_have_count(5)
    assert await rows.nth(1).bounding_box() == before
    assert await violations(page) == []

    await page.mouse.move(5, 5)
    await expect(rows).to_have_count(8)
    await expect(fresh).to_be_hidden()


async def test_the_keyboard_alone_pauses_reads_and_goes_on(
    page: Page, stack: Stack
) -> None:
    """
    Focus within the rows pauses, arrows go from row to row, a button shows the new.
    """
    mark = unique("keys")
    store(stack, *entries(3, until=now(), contentId=mark))
    await page.goto(address(stack, mark))
    links, fresh = page.locator(".entries a"), page.locator(".fresh")
    await expect(links).to_have_count(3)

    await links.first.focus()
    await page.keyboard.press("ArrowDown")
    await expect(links.nth(1)).to_be_focused()
    await page.keyboard.press("ArrowUp")
    await expect(links.first).to_be_focused()
    store(stack, *entries(2, until=now(), contentId=mark))
    await look_again(page)
    await expect(fresh).to_have_text("2 new")
    await fresh.focus()
    await page.keyboard.press("Enter")

    await expect(links).to_have_count(5)
    await expect(links.first).to_be_focused()
    await page.get_by_role("button", name="Pause").press("Enter")
    await expect(page.locator(".live-state")).to_have_text("Paused")


async def test_older_entries_come_page_by_page_and_ten_thousand_stay_usable(
    page: Page, stack: Stack
) -> None:
    """Rows out of sight cost no layout: a press is answered at once among 10,000."""
    mark = unique("many")
    store(stack, *entries(10_050, until=now(), contentId=mark))
    await page.goto(address(stack, mark))
    rows = page.locator(".entries li")
    await expect(rows).to_have_count(100)
    older = page.get_by_role("button", name="Load older")
    await older.click()
    await expect(rows).to_have_count(300)

    # The same cursor, in the largest pages that the API has: 200 at a time takes long.
    async def widest(route: Route) -> None:
        await route.continue_(url=route.request.url.replace("limit=200", "limit=1000"))

    await page.route(re.compile("limit=200"), widest)
    for count in [*range(1300, 10_000, 1000), 10_000]:
        await older.click()
        await expect(rows).to_have_count(count, timeout=60_000)
    await expect(page.locator(".stream-foot")).to_contain_text("10,000 entries")

    took = await page.evaluate(
        """async () => {
            const began = performance.now();
            document.querySelector(".entries").lastElementChild.scrollIntoView();
            await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
            return performance.now() - began;
        }"""
    )
    assert took < 2000
    assert await overflow(page) == 0


async def test_entries_are_exported_with_the_key_in_a_header(
    page: Page, stack: Stack, tmp_path: Path
) -> None:
    """
    NDJSON and CSV hold all that is filtered, of every page; no address holds the key.
    """
    mark = unique("export")
    store(stack, *entries(1100, until=now(), contentId=mark))
    urls: list[str] = []
    page.on("request", lambda request: urls.append(request.url))
    await page.add_init_script("sessionStorage.setItem('x-functions-key', 'secret')")
    await page.goto(address(stack, mark))
    await expect(page.locator(".entries li")).to_have_count(100)

    async with page.expect_download() as getting:
        await page.get_by_role("button", name="NDJSON export").click()
    await (await getting.value).save_as(tmp_path / "a.ndjson")
    async with page.expect_download() as getting:
        await page.get_by_role("button", name="CSV export").click()
    await (await getting.value).save_as(tmp_path / "a.csv")

    lines = (tmp_path / "a.ndjson").read_text("utf-8").splitlines()
    assert [json.loads(line)["contentId"] for line in lines] == [mark] * 1100
    with (tmp_path / "a.csv").open(encoding="utf-8", newline="") as file:
        assert [row["contentId"] for row in csv.DictReader(file)] == [mark] * 1100
    assert not [url for url in urls if "secret" in url]


async def test_hostile_and_huge_entries_are_only_ever_text(
    page: Page, stack: Stack
) -> None:
    """
    Markup, controls, overrides and a megabyte in any field: shown, cut, never run.
    """
    mark, at = unique("hostile"), now()
    fields = ("verdict", "reason", "type", "contentId", "disposition")
    hostile = [an_entry(at, **{name: f"{mark}{HOSTILE}"}) for name in fields]
    huge = [an_entry(at, **{name: f"{mark}{HUGE}"}) for name in fields]
    datas = [
        an_entry(at, contentId=mark, data={name: text})
        for name in ("category", "severity", "modelName", "confidence")
        for text in (HOSTILE, HUGE, {"a": [1]}, None)
    ]
    store(stack, *hostile, *huge, *datas)
    await page.goto(f"{stack.url}/api/#/stream?subscription=sub-flagged")

    shown = page.locator(".entries li", has_text=mark)
    await expect(shown.first).to_be_visible()
    assert await shown.count() > 10
    await expect(page.locator("#stage img, #stage script, #stage style")).to_have_count(
        0
    )
    await expect(page).to_have_title("Stream · Moderation events")
    for width in (360, 1280):
        await page.set_viewport_size({"width": width, "height": 900})
        assert await overflow(page) == 0
        heights = await page.locator(".entries li").evaluate_all(
            "rows => rows.map((row) => row.getBoundingClientRect().height)"
        )
        assert max(heights) < 400
    assert await violations(page) == []

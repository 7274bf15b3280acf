"""The view Flow: what the activity log says, as charts and as tables."""

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.e2e.browser import A_PULL, HOSTILE, overflow, violations
from tests.e2e.stacks import Stack, running
from tests.e2e.stored import note, now, spread

pytestmark = [pytest.mark.e2e, pytest.mark.browser]

BUSY: dict[str, Any] = {
    "received": 4321,
    "dispositions": {"acknowledge": 4000, "release": 300, "reject": 21},
    "types": {"com.contoso.ai.ContentFlagged": 4321},
    "matrix": {"violence": {"high": 4000, "low": 321}},
    "models": {"vision-moderator-v3 3.2.1": 4321},
    "confidences": [0, 0, 0, 0, 0, 0, 0, 0, 321, 4000],
    "waited": {"count": 4321, "sum": 8e6, "max": 9000, "buckets": {"80": 4321}},
    "queueDelay": {"count": 9, "sum": 8e3, "max": 1000, "buckets": {"72": 9}},
    "handling": {"count": 44, "sum": 900, "max": 90, "buckets": {"30": 44}},
}


@pytest.fixture(scope="module")
def stack(host_kind: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack in which nothing flows but what these tests note."""
    with running(tmp_path_factory.mktemp("flow-stack"), host_kind=host_kind) as started:
        yield started


async def open_flow(page: Page, stack: Stack, params: str = "") -> None:
    """The view, as soon as it shows what was noted."""
    await page.goto(f"{stack.url}/api/#/flow{params}")
    shown = page.locator(".flow-body:not(.stale)")
    await expect(shown).to_be_visible(timeout=A_PULL)


async def test_counts_and_delays_can_be_read_with_keys_and_as_tables(
    page: Page, stack: Stack
) -> None:
    """A minute's numbers are shown by the chart, by its table and by the sums."""
    at = now() - timedelta(minutes=9)
    note(stack, at, **BUSY)
    await open_flow(page, stack, "?minutes=15&subscription=sub-flagged")
    chart = page.get_by_role("slider", name="Deliveries by disposition, by time")
    await expect(page.locator(".tile", has_text="Released")).to_contain_text("300")

    await chart.focus()
    for _ in range(9):
        await page.keyboard.press("ArrowLeft")
    await expect(chart).to_have_attribute(
        "aria-valuetext",
        re.compile(r"acknowledged 4,000, released 300, rejected 21$"),
    )
    card = page.get_by_role("region", name="By disposition")
    await expect(card.locator(".readout")).to_contain_text("released 300")
    await card.get_by_text("As a table").click()
    row = card.get_by_role("row", name=f"{at:%H:%M}")
    await expect(row).to_contain_text("4,000")

    delay = page.get_by_role("slider", name="Queue delay of sub-flagged, by time")
    await expect(delay.locator("path.shade-1").first).to_have_attribute(
        "d", re.compile("M")
    )
    claims = page.get_by_role("region", name="Queue delay, by the publisher's clock")
    await expect(claims).to_be_visible()
    heat = page.get_by_role("region", name="Categories by severity, as a table")
    await expect(heat.get_by_role("row", name="violence")).to_contain_text("4,000")
    models = page.get_by_role("region", name="Model versions")
    await expect(models).to_contain_text("vision-moderator-v3 3.2.1")
    assert await violations(page) == []


async def test_a_batch_that_took_no_time_was_handled(page: Page, stack: Stack) -> None:
    """A dot at 0 ms is read out as a value, not as nothing."""
    note(stack, now() - timedelta(minutes=2), received=1, handling=spread(0, 1))
    await open_flow(page, stack, "?minutes=15&subscription=sub-flagged")
    handling = page.get_by_role("region", name="Handling time", exact=True)
    chart = handling.get_by_role("slider")
    has_no_time = re.compile("p99 0\\s*ms, p50 0\\s*ms")

    await chart.focus()
    for _ in range(3):  # the minute may have ended since
        await page.keyboard.press("ArrowLeft")
        if has_no_time.search(await chart.get_attribute("aria-valuetext") or ""):
            break

    await expect(chart).to_have_attribute("aria-valuetext", has_no_time)
    await expect(handling).not_to_contain_text("No batch was handled")


async def test_range_and_event_subscription_are_in_the_address(
    page: Page, stack: Stack
) -> None:
    """
    The keyboard changes both; the focus stays, and the page can be sent to someone.
    """
    await open_flow(page, stack)
    ranges = page.get_by_role("navigation", name="Range")
    await expect(ranges.get_by_role("link", name="1 h")).to_have_attribute(
        "aria-current", "true"
    )
    await page.get_by_label("Event subscription").select_option("sub-approved")
    await expect(page).to_have_url(re.compile("minutes=60&subscription=sub-approved"))

    await ranges.get_by_role("link", name="24 h").focus()
    await page.keyboard.press("Enter")

    await expect(page).to_have_url(re.compile("minutes=1440&subscription=sub-approved"))
    await expect(ranges.get_by_role("link", name="24 h")).to_be_focused()
    await expect(page.get_by_label("Event subscription")).to_have_value("sub-approved")
    lines = page.locator(".flow-body:not(.stale) .plot.lines")
    await expect(lines).to_have_count(2, timeout=A_PULL)


async def test_a_time_in_which_nothing_flowed_is_said_to_be_empty(
    page: Page, empty_stack: Stack
) -> None:
    """No axis without a sentence: each part says that there was nothing."""
    await open_flow(page, empty_stack)

    for name in ("By disposition", "By event type"):
        region = page.get_by_role("region", name=name)
        await expect(region).to_contain_text("Nothing was delivered in this time")
    await expect(page.locator(".flow-body")).to_contain_text("No model was named")
    await expect(page.locator(".tile", has_text="sub-flagged")).to_contain_text(
        "not yet"
    )
    assert await violations(page) == []


async def test_hostile_names_are_text_and_fit_a_telephone(
    page: Page, stack: Stack
) -> None:
    """
    Types, categories and models come from outside: none is markup, none is too wide.
    """
    hostile = HOSTILE.replace("\u0000", "") + "W" * 20_000
    note(
        stack,
        now(),
        received=1,
        types={hostile: 1, "__proto__": 2, "constructor": 3},
        matrix={hostile: {hostile: 1}, "__proto__": {"__proto__": 1}},
        models={hostile: 1},
    )
    await page.set_viewport_size({"width": 360, "height": 740})
    await open_flow(page, stack, "?minutes=15")

    await expect(page.locator(".flow-heat")).to_contain_text("<img src=x")
    await expect(page.locator(".legend").nth(1)).to_contain_text("constructor")
    await expect(page).to_have_title("Flow · Moderation events")
    await expect(page.locator("#stage img, #stage script, #stage style")).to_have_count(
        0
    )
    assert await overflow(page) == 0
    assert await violations(page) == []
    await page.emulate_media(color_scheme="dark")
    assert await violations(page) == []

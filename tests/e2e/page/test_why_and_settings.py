"""The views Why not, and Settings and health; and what all say without settings."""

import json
import re

import pytest
from playwright.async_api import Locator, Page, Route, expect

from tests.e2e.browser import A_PULL, HOSTILE, overflow, violations
from tests.e2e.stacks import Stack
from tests.e2e.stored import an_event

pytestmark = [pytest.mark.e2e, pytest.mark.browser]


def taker(page: Page, name: str) -> Locator:
    """What is said of one event subscription."""
    return page.locator(".taker", has_text=name)


async def test_why_not_says_who_takes_an_event_and_what_refuses_it(
    page: Page, stack: Stack
) -> None:
    """Each clause with what it says of the event; the declared filters below."""
    await page.goto(f"{stack.url}/api/#/why")
    await expect(taker(page, "sub-flagged")).to_contain_text("takes it")
    refusing = taker(page, "sub-approved")
    await expect(refusing).to_contain_text("refuses it")
    await expect(refusing).to_contain_text("com.contoso.ai.ContentApproved")
    filters = page.get_by_role("region", name=re.compile("and their filters"))
    await expect(filters.get_by_role("row", name="sub-all-events")).to_contain_text(
        "every type"
    )
    assert await violations(page) == []

    await page.get_by_label("Begin with").select_option("an escalated review")
    await expect(taker(page, "sub-flagged")).to_contain_text("refuses it")
    await expect(page.locator("#stage")).to_contain_text(
        re.compile(r"Taken by \d of \d")
    )


async def test_why_not_says_what_publishing_would_refuse(
    page: Page, stack: Stack
) -> None:
    """
    Problems with their place while typing; text that is no JSON is answered in words.
    """
    await page.goto(f"{stack.url}/api/#/why")
    await page.get_by_label("Begin with").select_option("a result with mistakes")
    refused = page.locator(".why-answer .problem")
    await expect(refused).to_contain_text("Publishing would refuse it")
    await expect(refused.locator("code", has_text="$.confidence")).to_be_visible()
    assert await violations(page) == []

    await page.get_by_label("Event", exact=True).fill("{not json")
    await expect(refused).to_contain_text("not JSON")
    await page.get_by_label("Event", exact=True).fill("")
    await expect(page.locator(".why-answer")).to_contain_text("Paste an event")


async def test_why_not_takes_cloudevents_in_a_list(page: Page, stack: Stack) -> None:
    """Each event of a pasted batch is explained, hostile ones as text."""
    events = [an_event(), an_event(type=HOSTILE + "W" * 5000, subject=HOSTILE)]
    await page.set_viewport_size({"width": 360, "height": 740})
    await page.goto(f"{stack.url}/api/#/why")
    await page.get_by_label("Event", exact=True).fill(json.dumps(events))

    await expect(page.get_by_role("heading", name="Event 2 of 2")).to_be_visible()
    await expect(page.locator(".why-answer")).to_contain_text("<img src=x")
    await expect(page.locator("#stage img, #stage script, #stage style")).to_have_count(
        0
    )
    assert await overflow(page) == 0
    assert await violations(page) == []


async def test_settings_are_shown_without_secrets(page: Page, stack: Stack) -> None:
    """Set secrets are said to be set; the table is filtered by what is typed."""
    await page.goto(f"{stack.url}/api/#/settings")
    table = page.get_by_role("region", name="Every setting")
    key = table.get_by_role("row", name="EVENTGRID_KEY")
    await expect(key).to_contain_text("set, not shown")
    await expect(page.locator("body")).not_to_contain_text(stack.key)
    health = page.get_by_role("region", name="Health", exact=True)
    await expect(health).to_contain_text("audit storage")
    limits = page.get_by_role("region", name="Topic and event subscriptions")
    await expect(limits).to_contain_text("at most 10")
    assert await violations(page) == []

    await page.get_by_label("Filter settings").press_sequentially("budget")
    await expect(table.locator("tbody tr")).to_have_count(1)
    await page.get_by_label("Filter settings").fill("no such thing")
    await expect(page.locator("#stage")).to_contain_text("No setting has this")


async def test_what_is_wrong_with_the_settings_comes_first(
    page: Page, unset_stack: Stack
) -> None:
    """
    Each that is wrong is in the health and at the head of the table, with its problem.
    """
    await page.goto(f"{unset_stack.url}/api/#/settings")

    table = page.get_by_role("region", name="Every setting")
    for place in (table.locator("tbody tr").first, table.locator("tbody tr").nth(1)):
        await expect(place).to_contain_text(
            re.compile("(EVENTGRID_ENDPOINT|PULL_BUDGET_SECONDS).*!")
        )
    health = page.get_by_role("region", name="Health", exact=True)
    for name in ("EVENTGRID_ENDPOINT", "PULL_BUDGET_SECONDS"):
        await expect(health).to_contain_text(name)
    assert await violations(page) == []


@pytest.mark.parametrize("name", ["flow", "deadletters", "peek", "why"])
async def test_a_view_without_settings_says_which_are_wrong(
    page: Page, unset_stack: Stack, name: str
) -> None:
    """No view is blank and none is broken while the app is not set up yet."""
    await page.goto(f"{unset_stack.url}/api/#/{name}")
    if name == "peek":
        await page.get_by_role("button", name="Receive", exact=True).click()

    main = page.locator("#refresh-problem, #stage").filter(
        has_text="PULL_BUDGET_SECONDS"
    )
    await expect(main.first).to_contain_text("EVENTGRID_ENDPOINT")
    assert await violations(page) == []


async def test_long_settings_fit_a_telephone(page: Page, stack: Stack) -> None:
    """Values as long as they may be, with anything in them, break nothing."""

    # Settings of a running app cannot be changed: what is answered is, instead.
    async def long(route: Route) -> None:
        answer = await route.fetch()
        body = await answer.json()
        for setting in body["settings"]:
            setting |= {"value": f"{HOSTILE}{'W' * 500}", "what": HOSTILE, "set": True}
        await route.fulfill(json=body)

    await page.set_viewport_size({"width": 360, "height": 740})
    await page.route(re.compile("/api/settings$"), long)
    await page.goto(f"{stack.url}/api/#/settings")

    table = page.get_by_role("region", name="Every setting")
    await expect(table).to_contain_text("<img src=x", timeout=A_PULL)
    await expect(page.locator("#stage img, #stage script, #stage style")).to_have_count(
        0
    )
    assert await overflow(page) == 0
    assert await violations(page) == []
    await page.emulate_media(color_scheme="dark")
    assert await violations(page) == []


async def test_numbers_that_do_not_agree_are_no_failure(
    page: Page, stack: Stack
) -> None:
    """What the doctor finds asks for attention; everything still answers."""
    advice = {"name": "doctor: PULL_BUDGET_SECONDS", "ok": False, "detail": "is long"}
    well = {"name": "audit storage", "ok": True, "detail": "answers", "next": None}
    answer = {"status": "attention", "checks": [well, {**advice, "next": "change it"}]}
    await page.route("**/api/health", lambda route: route.fulfill(json=answer))

    await page.goto(f"{stack.url}/api/#/settings")

    found = page.locator("#stage .checks li", has_text="PULL_BUDGET_SECONDS")
    await expect(found).to_contain_text("attention")
    await expect(found).not_to_contain_text("failing")
    assert await violations(page) == []
    await page.emulate_media(color_scheme="dark")
    assert await violations(page) == []

"""The page in a real browser, against the real stack."""

import json
import os
import re
import shutil
import sys
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Locator, Page, Route, async_playwright, expect

from tests.e2e.stacks import Stack, StartStack

pytestmark = [pytest.mark.e2e, pytest.mark.browser]

ROOT = Path(__file__).parents[2]
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome", "msedge")
ELSEWHERE = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "C:/Program Files/Google/Chrome/Application/chrome.exe",
    "C:/Program Files (x86)/Microsoft/Edge/Application/msedge.exe",
)
A_PULL = 40_000  # ms: Event Grid's shortest long poll is 10 s, and machines are slow
HOSTILE = "<img src=x onerror=\"document.title='owned'\"> \u202eevil\u202c"


def find_browser(bundled: str) -> str:
    """Where Chromium is; skips the test, and says how to get it, when it is nowhere."""
    named = os.environ.get("CHROMIUM_PATH", "")
    on_path = [found for name in BROWSERS if (found := shutil.which(name))]
    for candidate in (named, *on_path, *ELSEWHERE, bundled):
        if candidate and Path(candidate).is_file():
            return candidate
    pytest.skip(
        "NOT RUN in a browser: no Chromium found. Install it (Debian: apt-get install "
        f"chromium; anywhere: {sys.executable} -m playwright install chromium), or name "
        "one in CHROMIUM_PATH"
    )


@pytest.fixture
async def page() -> AsyncIterator[Page]:
    """A tab in English and UTC that fails the test when a script of the page does."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=find_browser(playwright.chromium.executable_path),
            args=["--no-sandbox"],  # containers run as root
        )
        tab = await browser.new_page(locale="en-GB", timezone_id="UTC")
        broken: list[str] = []
        tab.on("pageerror", lambda error: broken.append(str(error)))
        tab.on("console", lambda message: _note(message.text, broken))
        yield tab
        await browser.close()
    assert broken == []


def _note(text: str, broken: list[str]) -> None:
    if "Content Security Policy" in text:
        broken.append(text)


def card(page: Page, name: str) -> Locator:
    """The card of one event subscription."""
    return page.get_by_role("article", name=name)


async def publish(page: Page, **changes: Any) -> None:
    """Change the example in the text field, and publish it with the keyboard."""
    field = page.get_by_label("Or your own moderation result")
    example = json.loads(await field.input_value())
    await field.fill(json.dumps(example | changes))
    await field.press("Control+Enter")


def unique() -> str:
    """A content id that no other test has."""
    return f"img-{uuid.uuid4().hex[:8]}"


async def test_samples_can_be_published_pulled_followed_and_inspected(
    page: Page, fresh_stack: Stack
) -> None:
    """
    The page alone shows the whole story: 2 / 2 / 5, a life, and an envelope.
    """
    await page.goto(f"{fresh_stack.url}/api/")
    await expect(page).to_have_title("Moderation events")
    for name in ("settings", "Event Grid: sub-flagged", "audit storage"):
        await expect(page.locator("#health li.ok", has_text=name)).to_be_visible()
    for name in ("sub-flagged", "sub-approved", "sub-all-events"):
        await expect(card(page, name)).to_contain_text("Nothing recorded yet")

    await page.get_by_role("button", name="Publish the five samples").click()
    await expect(page.locator("#publish")).to_contain_text("5 events published")
    rows = page.get_by_role("region", name="Published events").locator("tbody tr")
    await expect(rows).to_have_count(5)
    await expect(rows.first).to_contain_text(re.compile("img-4821.*violence.*0.97"))

    await page.get_by_role("button", name="Pull all three now").click()
    await expect(page.locator("#pull-outcome")).to_contain_text("shortest wait")
    await expect(page.locator("#pull-outcome")).to_contain_text(
        "9 events received", timeout=A_PULL
    )
    await sees_two_two_and_five(page)

    escalated = card(page, "sub-all-events").get_by_role("button", name="doc-3301")
    await escalated.last.click()
    life = page.get_by_role("dialog", name="The life of an event")
    await expect(life).to_contain_text("1 delivery from 1 event subscription")
    await life.get_by_text("Show the event").click()
    await expect(life.locator("pre")).to_contain_text('"self-harm"')
    await life.get_by_role("button", name="Close").click()

    await page.get_by_role("button", name="Inspect and reject a probe").click()
    inspected = page.get_by_role("region", name="Inspect and reject")
    await expect(inspected).to_contain_text("received and rejected", timeout=A_PULL)
    await expect(inspected).to_contain_text(re.compile("Delivery count\\s*1"))
    await expect(inspected.locator("pre")).to_contain_text('"test-inspect"')
    await expect(card(page, "sub-flagged").locator(".latest")).to_contain_text(
        "✕ rejected", timeout=A_PULL
    )


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


async def test_what_is_wrong_with_an_event_is_listed_with_its_place(
    page: Page, stack: Stack
) -> None:
    """
    Status, every problem with its JSON path, and what to do next; text that is no
    JSON is answered in words too.
    """
    await page.goto(f"{stack.url}/api/")
    outcome = page.locator("#publish [role=status]")

    await publish(page, confidence=1.7, contentId="")
    await expect(outcome).to_contain_text("status 400")
    await expect(outcome.locator("li")).to_have_count(2)
    for path in ("$.confidence", "$.contentId"):
        await expect(outcome.locator("code", has_text=path)).to_be_visible()
    await expect(outcome).to_contain_text("What to do next")

    await page.get_by_label("Or your own moderation result").fill("{not json")
    await page.get_by_role("button", name="Publish this").click()
    await expect(outcome).to_contain_text("not JSON")


async def test_hostile_content_is_only_ever_text(page: Page, stack: Stack) -> None:
    """
    Markup in any field is shown as it was written, and nothing of it runs.
    """
    content_id = f"{unique()}{HOSTILE}"
    await page.goto(f"{stack.url}/api/")
    texts = dict.fromkeys(("contentType", "category", "modelName"), HOSTILE)
    await publish(page, contentId=content_id, **texts)
    table = page.get_by_role("region", name="Published events")
    await expect(table).to_contain_text("<img src=x")

    pull = card(page, "sub-flagged").get_by_role("button", name="Pull now")
    await pull.click()
    row = card(page, "sub-flagged").locator(".latest li", has_text=content_id[:12])
    await expect(row).to_contain_text("<img src=x onerror", timeout=A_PULL)
    await row.get_by_role("button").click()
    life = page.get_by_role("dialog")
    await life.get_by_text("Show the event").click()

    await expect(life.locator("pre")).to_contain_text("onerror=")
    await expect(page.locator("img")).to_have_count(1)
    await expect(page).to_have_title("Moderation events")


async def test_the_keyboard_alone_opens_and_closes_the_life_of_an_event(
    page: Page, stack: Stack
) -> None:
    """
    Enter opens it, Escape closes it, and the focus is back where it was.
    """
    await page.goto(f"{stack.url}/api/")
    content_id = unique()
    await publish(page, contentId=content_id)
    link = page.get_by_role("region", name="Published events").get_by_role("button")
    await expect(link).to_have_text(content_id)

    await link.focus()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("dialog")).to_contain_text(
        re.compile("waits to be pulled|deliver(y|ies) from")
    )
    await page.keyboard.press("Escape")

    await expect(page.get_by_role("dialog")).to_have_count(0)
    await expect(link).to_be_focused()


async def test_a_bare_401_asks_for_a_key_that_stays_out_of_urls(
    page: Page, stack: Stack
) -> None:
    """
    The key goes into a header, and a wrong one is asked for again.
    """
    asked: list[str] = []

    # The host's recorded answer, because a local stack lets everybody in.
    async def guard(route: Route) -> None:
        asked.append(route.request.url)
        if route.request.headers.get("x-functions-key") == "right":
            await route.continue_()
        else:
            await route.fulfill(status=401, body="")

    await page.route(re.compile(r"/api/(health|audit|activity)($|\?)"), guard)
    await page.goto(f"{stack.url}/api/")
    form = page.get_by_role("region", name="A function key is needed")
    await expect(form).to_contain_text("only callers with a function key")

    for key in ("wrong", "right"):
        await form.get_by_label("Function key").fill(key)
        await form.get_by_role("button", name="Use this key").click()
        if key == "wrong":
            await expect(form).to_contain_text("was refused")

    await expect(form).to_be_hidden()
    await expect(page.locator("#health li.ok").first).to_be_visible()
    assert not [url for url in asked if "right" in url or "wrong" in url]


async def test_an_app_that_is_gone_is_told_in_words_and_found_again(
    page: Page, stack: Stack
) -> None:
    """
    The page says that nothing answers, what to look at, and goes on by itself.
    """
    await page.goto(f"{stack.url}/api/")
    await expect(page.locator("#pulse")).to_contain_text("Live")

    await page.context.set_offline(True)
    await page.get_by_role("button", name="Publish the five samples").click()
    outcome = page.locator("#publish [role=status]")
    await expect(outcome).to_contain_text("The app cannot be reached")
    await expect(page.locator("#pulse")).to_contain_text("next try in")
    await page.context.set_offline(False)

    await expect(page.locator("#pulse")).to_contain_text("Live", timeout=A_PULL)
    await expect(page.locator("#refresh-problem")).to_be_empty()


async def test_every_settings_problem_is_shown(
    page: Page, start_stack: StartStack
) -> None:
    """
    Without good settings the page is still served, and names each that is wrong.
    """
    wrong = {"EVENTGRID_ENDPOINT": "ftp://x", "PULL_BUDGET_SECONDS": "soon"}
    stack = start_stack(settings=wrong)
    await page.goto(f"{stack.url}/api/")

    await page.get_by_role("button", name="Publish the five samples").click()

    for name in wrong:
        await expect(page.locator("#health")).to_contain_text(name)
        await expect(page.locator("#publish [role=status]")).to_contain_text(name)


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_nothing_is_wider_than_a_small_telephone(
    page: Page, stack: Stack, scheme: Any
) -> None:
    """
    At 360 px the page scrolls in one direction, light and dark.
    """
    await page.emulate_media(color_scheme=scheme)
    await page.set_viewport_size({"width": 360, "height": 740})
    await page.goto(f"{stack.url}/api/")
    await publish(page, contentId=f"{unique()}{'long' * 50}")
    await expect(page.get_by_role("region", name="Published events")).to_be_visible()

    assert await page.evaluate("document.documentElement.scrollWidth") == 360


def test_the_page_has_a_card_for_every_event_subscription() -> None:
    """
    The page and the topology name the same event subscriptions.
    """
    markup = (ROOT / "moderation/web/index.html").read_text(encoding="utf-8")
    topology = json.loads((ROOT / "moderation/topology.json").read_bytes())

    cards = re.findall(r'data-subscription="([^"]+)"', markup)

    assert cards == [one["name"] for one in topology["eventSubscriptions"]]

"""An event's own text is what the page shows and copies, wherever it shows an event."""

import json
import re

import pytest
import pytest_asyncio
from playwright.async_api import Page, expect

from tests.e2e.browser import AS_IT_CAME, SHOWN_AS_IT_CAME, unique
from tests.e2e.stacks import Stack
from tests.e2e.stored import bury_text

pytestmark = [pytest.mark.e2e, pytest.mark.browser]

KIND = "com.contoso.ai.ContentFlagged"


def an_event(id: str) -> str:
    """The text of an event that no parser prints again as it was."""
    return f'{{"specversion":"1.0","id":"{id}","source":"/x","type":"{KIND}", "data":{AS_IT_CAME}}}'


async def check(page: Page, event: str, label: str = "CloudEvent envelope") -> None:
    """What is shown has every token, and what is copied is the text."""
    shown = page.get_by_role("group", name=label, exact=True)
    for line in SHOWN_AS_IT_CAME:
        await expect(shown).to_contain_text(line)
    await page.get_by_role("button", name="Copy the envelope").click()
    await expect(page.locator(".envelope-head")).to_contain_text("Copied")
    assert await page.evaluate("navigator.clipboard.readText()") == event


@pytest_asyncio.fixture(loop_scope="session")
async def tab(page: Page) -> Page:
    """A tab that may read and write the clipboard."""
    await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    return page


async def test_in_peek(tab: Page, stack: Stack) -> None:
    """Each of several, beside its details."""
    other = an_event("other").replace("1524831183200260097", "7")
    deliveries = [
        {"lockToken": id, "deliveryCount": 1, "id": id, "source": "/x", "type": KIND}
        for id in ("other", "this")
    ]
    answer = {"subscription": "sub-flagged", "lockSeconds": 60, "lockedUntil": None}
    texts = [
        json.dumps(delivery)[:-1] + f', "event": {event}}}'
        for delivery, event in zip(deliveries, (other, an_event("this")), strict=True)
    ]
    body = json.dumps(answer)[:-1] + f', "deliveries": [{", ".join(texts)}]}}'
    await tab.route(
        re.compile("/api/peek$"),
        lambda route: route.fulfill(body=body, content_type="application/json"),
    )
    await tab.goto(f"{stack.url}/api/#/peek")
    await tab.get_by_role("button", name="Receive", exact=True).click()
    held = tab.get_by_role("list", name="Received events").locator("> li")
    await expect(held).to_have_count(2)
    await held.first.evaluate("(one) => one.remove()")
    await held.get_by_text("CloudEvent envelope").first.click()

    await check(tab, an_event("this"))


async def test_in_a_dead_letter(tab: Page, stack: Stack) -> None:
    """From the blob that Event Grid wrote, once it is revealed."""
    event = an_event(unique("id"))
    name = bury_text(stack, f'[{{"event": {event}}}]')
    await tab.goto(f"{stack.url}/api/#/deadletters?name={name}&index=0")
    await tab.get_by_role("button", name="Reveal the event's data").click()

    await check(tab, event, "CloudEvent")


async def test_in_what_inspect_answers(tab: Page, stack: Stack) -> None:
    """Exactly as Event Grid delivered it."""
    event = an_event("probe")
    body = f'{{"rejected": true, "brokerProperties": {{}}, "event": {event}}}'
    await tab.route(
        re.compile("/api/inspect$"),
        lambda route: route.fulfill(body=body, content_type="application/json"),
    )
    await tab.goto(f"{stack.url}/api/#/now")
    await tab.get_by_role("button", name="Inspect and reject a probe").click()

    await check(tab, event)

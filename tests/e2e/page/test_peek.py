"""The view Peek and settle: events on loan, and that nothing stays with nobody."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.async_api import Locator, Page, Route, expect

from tests.e2e.browser import A_PULL, HOSTILE, overflow, unique, violations
from tests.e2e.stacks import Stack, running
from tests.e2e.stored import an_event

pytestmark = [pytest.mark.e2e, pytest.mark.browser]

TYPE = "com.contoso.ai.ContentApproved"
SAFE = {"category": "safe", "severity": "none", "reviewRequired": False}
BATCH = "application/cloudevents-batch+json"


@pytest.fixture(scope="module")
def stack(host_kind: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack in which nobody else receives: a pull goes on after its answer."""
    with running(tmp_path_factory.mktemp("peek-stack"), host_kind=host_kind) as started:
        yield started


def publish(stack: Stack, *content_ids: str, **changes: Any) -> None:
    """Approved events, one for each content id."""
    data = SAFE | changes
    events = [
        an_event(contentId=content_id, type=TYPE, data=data, subject="/content/x")
        for content_id in content_ids
    ]
    body = json.dumps(events).encode()
    assert stack.call("POST", "/api/events", body, content_type=BATCH).status == 202


def held(page: Page, content_id: str) -> Locator:
    """The card of one event on loan."""
    return page.locator(".held-event", has_text=content_id)


async def receive(page: Page, stack: Stack, *content_ids: str) -> None:
    """Open the view and receive until all of these are held at once."""
    await page.goto(f"{stack.url}/api/#/peek?subscription=sub-approved")
    await page.get_by_role("button", name="Receive", exact=True).press("Enter")
    for content_id in content_ids:
        await expect(held(page, content_id)).to_contain_text(
            "locked for", timeout=A_PULL
        )


async def test_events_are_received_and_settled_each_in_its_way(
    page: Page, emptied_stack: Stack
) -> None:
    """
    Acknowledge, release with a delay, reject with a reason, renew: by hand, on record.
    """
    ids = [unique() for _ in range(4)]
    publish(emptied_stack, *ids)
    await receive(page, emptied_stack, *ids)
    await expect(page.locator(".held-bar")).to_contain_text("4 events locked")
    await expect(held(page, ids[0])).to_contain_text("delivery 1")
    await expect(page.locator("#stage")).to_contain_text("uses one delivery attempt")
    assert await violations(page) == []

    await held(page, ids[0]).get_by_role("button", name="Acknowledge").press("Enter")
    await expect(held(page, ids[0])).to_contain_text("acknowledged")
    await held(page, ids[1]).get_by_role("button", name="Reject").click()
    dialog = page.get_by_role("dialog", name="Reject 1 event?")
    await dialog.get_by_label("Reason").fill("not for us")
    assert await violations(page) == []
    await page.keyboard.press("Enter")
    await expect(held(page, ids[1])).to_contain_text("rejected")
    await held(page, ids[2]).get_by_role("button", name="Renew").click()
    await expect(held(page, ids[2])).to_contain_text("✓ renewed")
    await page.get_by_role("button", name="Release all").click()
    dialog = page.get_by_role("dialog", name="Release 2 events?")
    await dialog.get_by_label("Deliver again").select_option("after 1 minute")
    await dialog.get_by_role("button", name="Release").click()
    await expect(held(page, ids[3])).to_contain_text("released")
    await expect(page.locator(".held-bar")).to_contain_text(
        "Nothing is locked any more"
    )

    recorded = emptied_stack.call("GET", "/api/audit?subscription=sub-approved").json()
    found = {entry["contentId"]: entry for entry in recorded["entries"]}
    assert [found[event_id]["disposition"] for event_id in ids] == [
        *("acknowledge", "reject"),
        *("release", "release"),
    ]
    assert found[ids[1]]["reason"] == "by hand: not for us"
    assert found[ids[2]]["delaySeconds"] == 60


async def test_leaving_the_view_asks_and_releases_what_is_locked(
    page: Page, emptied_stack: Stack
) -> None:
    """
    A link asks first; who goes on releases, and the event can be received at once.
    """
    content_id = unique()
    publish(emptied_stack, content_id)
    await receive(page, emptied_stack, content_id)

    await page.get_by_role("link", name="Flow").click()
    dialog = page.get_by_role("dialog", name="1 event still locked")
    await dialog.get_by_role("button", name="Stay").click()
    await expect(page).to_have_url(re.compile("#/peek"))
    await expect(held(page, content_id)).to_contain_text("locked for")
    await page.get_by_role("link", name="Flow").click()
    await dialog.get_by_role("button", name="Release and leave").click()
    await expect(page).to_have_url(re.compile("#/flow"))

    await receive(page, emptied_stack, content_id)
    await expect(held(page, content_id)).to_contain_text("delivery 2")


async def test_closing_the_page_releases_what_is_locked(
    page: Page, emptied_stack: Stack
) -> None:
    """The last request of a page that goes carries the lock tokens, and the key."""
    content_id = unique()
    publish(emptied_stack, content_id)
    await receive(page, emptied_stack, content_id)
    # The browser tells nobody of requests that outlive their page.
    await page.evaluate("""() => {
        sessionStorage.setItem("x-functions-key", "mine");
        const real = fetch;
        window.fetch = (url, options) => {
            // What the page asks for by the way, again and again, is none of it.
            if (options?.keepalive) sessionStorage.setItem("last", JSON.stringify(options));
            return real(url, options);
        };
    }""")

    await page.goto(f"{emptied_stack.url}/api/openapi.json")

    sent = json.loads(await page.evaluate("sessionStorage.getItem('last')"))
    assert sent["keepalive"]
    assert sent["headers"]["x-functions-key"] == "mine"
    assert json.loads(sent["body"])["disposition"] == "release"
    await receive(page, emptied_stack, content_id)
    await expect(held(page, content_id)).to_contain_text("delivery 2")


async def test_a_lock_that_runs_out_is_said_to_be_lost(
    page: Page, stack: Stack
) -> None:
    """The countdown warns, then the event is marked, and nothing is offered for it."""

    # A lock of two seconds cannot be had: 60 are declared. The answer is otherwise real.
    async def short(route: Route) -> None:
        answer = await route.fetch()
        body = await answer.json() | {"lockSeconds": 2, "lockedUntil": None}
        for delivery in body["deliveries"]:
            delivery["lastDelivery"] = True
        await route.fulfill(json=body)

    content_id = unique()
    publish(stack, content_id)
    await page.route(re.compile("/api/peek$"), short)
    await page.goto(f"{stack.url}/api/#/peek?subscription=sub-approved")
    await page.get_by_role("button", name="Receive", exact=True).click()

    card = held(page, content_id)
    await expect(card).to_contain_text("lock lost", timeout=A_PULL)
    await expect(card).to_contain_text("its last permitted delivery")
    await expect(card.get_by_role("button", name="Acknowledge")).to_be_hidden()
    assert await violations(page) == []


async def test_nothing_to_receive_is_said_in_words(
    page: Page, empty_stack: Stack
) -> None:
    """
    After the service's shortest wait it says that nothing came, and why that may be.
    """
    await page.goto(f"{empty_stack.url}/api/#/peek?subscription=sub-flagged")
    await page.get_by_role("button", name="Receive", exact=True).click()

    said = page.locator("#stage")
    await expect(said).to_contain_text(
        "Nothing received from sub-flagged", timeout=A_PULL
    )
    assert await violations(page) == []


async def test_a_reader_may_not_receive(page: Page, stack: Stack) -> None:
    """The button rests and says why; nothing is sent."""

    # The host's recorded answer to a reader's key on an operator's function.
    async def guard(route: Route) -> None:
        await route.fulfill(status=401, body="")

    await page.add_init_script("sessionStorage.setItem('x-functions-key', 'readers')")
    await page.route(re.compile(r"/api/(operator|peek)$"), guard)
    await page.goto(f"{stack.url}/api/#/peek")
    button = page.get_by_role("button", name="Receive", exact=True)
    await expect(button).to_have_attribute("aria-disabled", "true")

    await button.press("Enter")

    await expect(page.locator("#key")).to_be_hidden()
    assert await violations(page) == []


async def test_hostile_events_on_loan_are_text_and_fit_a_telephone(
    page: Page, stack: Stack
) -> None:
    """
    Content ids as long as can be published change neither the page nor its layout.
    """
    content_id = f"{unique()}{HOSTILE}{'W' * 256}"[:256]
    publish(stack, content_id, contentType=HOSTILE, more="W" * 900_000)
    await page.set_viewport_size({"width": 360, "height": 740})
    await receive(page, stack, content_id[:12])
    card = held(page, content_id[:12])
    await card.get_by_text("CloudEvent envelope").first.click()

    await expect(card).to_contain_text("<img src=x")
    await expect(page.locator("#stage img, #stage script, #stage style")).to_have_count(
        0
    )
    await expect(page).to_have_title("Peek and settle · Moderation events")
    assert await overflow(page) == 0
    assert await violations(page) == []

"""The view One event: a life as a timeline, its envelope, and the search for it."""

import asyncio
import re
import uuid
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest
from playwright.async_api import Error as PlaywrightError
from playwright.async_api import Page, Route, expect

from tests.e2e.browser import (
    AS_IT_CAME,
    HOSTILE,
    HUGE,
    SHOWN_AS_IT_CAME,
    an_entry,
    look_again,
    overflow,
    store,
    store_lines,
    unique,
    violations,
)
from tests.e2e.stacks import Stack

pytestmark = [pytest.mark.e2e, pytest.mark.browser]


def a_life(stack: Stack) -> dict[str, Any]:
    """Released once and then acknowledged by one event subscription; the last entry."""
    at = datetime.now(UTC)  # noqa: TID251  # the app reads entries by its own clock
    facts = {"id": str(uuid.uuid4()), "contentId": unique()}
    trace = {"traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}
    event = {"time": (at - timedelta(seconds=63)).isoformat()}
    first = an_entry(
        at - timedelta(seconds=62),
        disposition="release",
        verdict=None,
        reason="the model is busy",
        delaySeconds=60,
        event=event,
        **facts,
        **trace,
    )
    last = an_entry(at, deliveryCount=2, event=event, **facts, **trace)
    store(stack, first, last)
    return last


def address(stack: Stack, entry: dict[str, Any]) -> str:
    """Where the event of an entry is seen."""
    query = f"id={quote(entry['id'])}&at={quote(entry['at'])}"
    return f"{stack.url}/api/#/event?{query}"


async def test_a_life_is_told_step_by_step_and_who_is_missing(
    page: Page, stack: Stack
) -> None:
    """Published, released and why, acknowledged; and where it should be but is not."""
    entry = a_life(stack)
    await page.goto(address(stack, entry))

    steps = page.get_by_role("list", name="What happened").get_by_role("listitem")
    await expect(steps).to_have_count(3)
    await expect(steps.nth(0)).to_contain_text("Published")
    await expect(steps.nth(1)).to_contain_text(
        re.compile("delivery 1.*released.*for 60 s because the model is busy")
    )
    await expect(steps.nth(2)).to_contain_text(
        re.compile(r"\+1 min|\+1\.0 min|delivery 2.*acknowledged.*quarantined")
    )
    stands = page.get_by_role("list", name="Where it stands").get_by_role("listitem")
    await expect(stands).to_have_count(2)
    await expect(stands.first).to_contain_text(re.compile("sub-flagged.*acknowledged"))
    await expect(stands.last).to_contain_text(re.compile("sub-all-events.*waits"))
    head = page.locator(".event-head")
    await expect(head).to_contain_text(entry["contentId"])
    await expect(head).to_contain_text("4bf92f3577b34da6a3ce929d0e0e4736")
    await expect(head).to_contain_text(re.compile("violence.*high.*0.91.*vision"))
    for width in (360, 1280, 3840):
        await page.set_viewport_size({"width": width, "height": 900})
        assert await overflow(page) == 0
        assert await violations(page) == []


async def test_who_published_is_a_claim_until_the_log_proves_it(
    page: Page, stack: Stack
) -> None:
    """The event says so itself, and so may whoever publishes past the app."""
    at = datetime.now(UTC)  # noqa: TID251  # the app reads entries by its own clock
    event_id = str(uuid.uuid4())
    entry = an_entry(at, id=event_id, event={"egpublishedby": "key 0123"})
    store(stack, entry)
    await page.goto(address(stack, entry))
    published = page.get_by_role("list", name="What happened").get_by_text("claimed")
    await expect(published).to_have_text("claimed by key 0123")

    line = {"action": "publish", "by": "Ann", "identity": "key 0123", "ids": [event_id]}
    sources = [entry["event"]["source"]]
    moment = {"at": entry["at"], "stamped": entry["event"]["time"], "sources": sources}
    store(stack, moment | line | {"subscription": "actions"})
    await look_again(page)

    steps = page.get_by_role("list", name="What happened").get_by_role("listitem")
    await expect(steps.first).to_contain_text("by Ann")
    await expect(published).to_have_count(0)


async def test_what_happens_next_is_added_by_itself(page: Page, stack: Stack) -> None:
    """The event subscription that was missing is not any more, without a reload."""
    entry = a_life(stack)
    await page.goto(address(stack, entry))
    steps = page.get_by_role("list", name="What happened").get_by_role("listitem")
    await expect(steps).to_have_count(3)

    later = entry | {"subscription": "sub-all-events", "verdict": "recorded"}
    store(stack, later)
    await look_again(page)

    await expect(steps).to_have_count(4)
    await expect(page.locator(".standing.missing")).to_have_count(0)


async def test_data_is_left_out_until_it_is_asked_for(page: Page, stack: Stack) -> None:
    """The envelope comes without its data; a press on Reveal asks for it by name."""
    entry = a_life(stack)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    await page.goto(address(stack, entry))
    envelope = page.get_by_role("group", name="CloudEvent envelope")
    await expect(envelope).to_contain_text('"redacted": true')
    await expect(envelope).not_to_contain_text("reviewRequired")
    assert not [url for url in asked if "reveal" in url]

    await page.get_by_role("button", name="Reveal data").click()

    await expect(envelope).to_contain_text('"reviewRequired": true')
    await expect(page.get_by_role("button", name="Reveal data")).to_have_count(0)
    assert [url for url in asked if "reveal=true" in url]


async def test_ids_links_and_the_envelope_can_be_copied(
    page: Page, stack: Stack
) -> None:
    """What is copied opens the same view, and is the whole envelope."""
    await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    entry = a_life(stack)
    await page.goto(address(stack, entry))

    await page.get_by_role("button", name="Copy link").click()
    await expect(page.locator(".event-head")).to_contain_text("Copied")
    link = await page.evaluate("navigator.clipboard.readText()")
    await page.get_by_role("button", name="Copy the trace id").click()
    trace = await page.evaluate("navigator.clipboard.readText()")

    assert trace == "4bf92f3577b34da6a3ce929d0e0e4736"
    await page.goto("about:blank")
    await page.goto(link)
    await expect(page.locator(".event-head")).to_contain_text(entry["contentId"])


async def test_any_id_can_be_looked_for_with_the_keyboard(
    page: Page, stack: Stack
) -> None:
    """Type an id, press Enter; one that is nowhere is said to be nowhere."""
    entry = a_life(stack)
    await page.goto(f"{stack.url}/api/#/event")
    await expect(page.locator("#stage")).to_contain_text("every entry leads here")
    assert await violations(page) == []

    await page.get_by_label("Event id").fill(entry["id"])
    await page.get_by_label("Near").fill(entry["at"][:19])
    await page.keyboard.press("Enter")
    await expect(page.locator(".event-head")).to_contain_text(entry["contentId"])

    await page.get_by_label("Event id").fill("nowhere-1")
    await page.keyboard.press("Enter")
    await expect(page.locator(".life-said")).to_contain_text(
        "Nothing is recorded of this id", timeout=60_000
    )
    assert await violations(page) == []


async def test_a_long_search_shows_how_far_it_came_and_can_be_stopped(
    page: Page, stack: Stack
) -> None:
    """Steps are shown as they are found; Stop keeps them, and the search can go on."""
    entry = a_life(stack)
    held = asyncio.Event()

    # An answer of the app, made one that ran out of time.
    async def slow(route: Route) -> None:
        if "cursor=" in route.request.url:
            await held.wait()
            with suppress(PlaywrightError):  # nobody waits for it any more
                await route.abort()
            return
        answer = await route.fetch()
        more = {"complete": False, "cursor": "further"}
        await route.fulfill(json=await answer.json() | more)

    await page.route(re.compile(r"/api/life\?"), slow)
    await page.goto(address(stack, entry))
    said = page.locator(".life-said")
    await expect(said).to_contain_text("3 steps so far. Looking for more")
    await expect(said).to_contain_text("searched back to")
    assert await violations(page) == []
    await page.get_by_role("button", name="Stop").click()

    await expect(said).to_contain_text("stopped early")
    await expect(page.get_by_role("list", name="What happened")).to_be_visible()
    held.set()
    await page.unroute(re.compile(r"/api/life\?"))
    await page.get_by_role("button", name="Search further").click()
    await expect(said).to_contain_text("cursor")
    await expect(said.get_by_role("button", name="Try again")).to_be_visible()


async def test_an_error_is_told_and_the_search_can_be_tried_again(
    page: Page, stack: Stack
) -> None:
    """When nothing answers, the view says so, and goes on when pressed."""
    entry = a_life(stack)
    await page.route(re.compile(r"/api/life\?"), lambda route: route.abort())
    await page.goto(address(stack, entry))
    said = page.locator(".life-said")
    await expect(said).to_contain_text("The app cannot be reached")
    assert await violations(page) == []

    await page.unroute(re.compile(r"/api/life\?"))
    await said.get_by_role("button", name="Try again").click()

    await expect(page.locator(".event-head")).to_contain_text(entry["contentId"])


async def test_an_id_of_several_events_leads_to_each(page: Page, stack: Stack) -> None:
    """They are listed, and each has a life of its own."""
    at = datetime.now(UTC)  # noqa: TID251  # the app reads entries by its own clock
    id = unique("A")
    outcomes = {"/team-a": "reject", "/team-b": "acknowledge"}
    for source, disposition in outcomes.items():
        content = unique()
        fields = {"id": id, "contentId": content, "disposition": disposition}
        store(stack, an_entry(at, **fields, event={"source": source}))
    await page.goto(f"{stack.url}/api/#/event?id={id}")
    events = page.get_by_role("list", name="Events with this id")
    await expect(events.get_by_role("listitem")).to_have_count(2)
    await expect(page.locator(".life-said")).to_contain_text("2 events have this id.")
    await expect(page.get_by_role("list", name="What happened")).to_have_count(0)
    assert await violations(page) == []

    await events.get_by_role("link", name="/team-a").click()

    steps = page.get_by_role("list", name="What happened")
    await expect(steps).to_contain_text("rejected")
    await expect(steps).not_to_contain_text("acknowledged")
    await expect(page.locator(".event-head")).to_contain_text("/team-a")
    assert "source=%2Fteam-a" in page.url


async def test_an_envelope_is_shown_and_copied_as_it_came(
    page: Page, stack: Stack
) -> None:
    """
    Numbers of any size, the order of names, escapes, names twice: nothing is parsed and printed.
    """
    await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    at = datetime.now(UTC)  # noqa: TID251  # the app reads entries by its own clock
    entry = an_entry(at)
    raw = f'{{"specversion":"1.0","id":"{entry["id"]}","source":"/x","type":"{entry["type"]}","data":{AS_IT_CAME}}}'
    store_lines(stack, entry | {"source": "/x"}, raw)
    await page.goto(address(stack, entry | {"source": "/x"}))
    envelope = page.get_by_role("group", name="CloudEvent envelope")
    await page.get_by_role("button", name="Reveal data").click()

    for line in SHOWN_AS_IT_CAME:
        await expect(envelope).to_contain_text(line)
    await page.get_by_role("button", name="Copy the envelope").click()
    await expect(page.locator(".envelope-head")).to_contain_text("Copied")
    assert await page.evaluate("navigator.clipboard.readText()") == raw


@pytest.mark.parametrize("text", [HOSTILE, HUGE], ids=["markup", "megabyte"])
async def test_hostile_events_are_only_ever_text(
    page: Page, stack: Stack, text: str
) -> None:
    """
    Every field of every step and of the envelope is text, cut where it is too long.
    """
    at = datetime.now(UTC)  # noqa: TID251  # the app reads entries by its own clock
    id = f"{unique()}<b>\u202ex</b>"
    fields = ("verdict", "reason", "disposition", "contentId", "type", "by")
    event = {"source": text, "subject": text, "traceparent": text, "extension": text}
    data = {"category": text, "severity": text, "modelName": text, "other": text}
    lines = [
        an_entry(at, id=id, deliveryCount=count, data=data, event=event, **{name: text})
        for count, name in enumerate(fields, 1)
        if text is not HUGE or count in (2, 4)
    ]
    store(stack, *lines)
    await page.goto(address(stack, lines[0]))
    steps = page.get_by_role("list", name="What happened").get_by_role("listitem")
    await expect(steps.first).to_be_visible()

    reveal = page.get_by_role("button", name="Reveal data")
    await reveal.click()
    await expect(reveal).to_have_count(0)

    await expect(page.locator("#stage img, #stage script, #stage b")).to_have_count(0)
    await expect(page).to_have_title("One event · Moderation events")
    for width in (360, 1280):
        await page.set_viewport_size({"width": width, "height": 900})
        assert await overflow(page) == 0
    assert await violations(page) == []


@pytest.mark.parametrize(
    ("outcome", "lies"), [("acknowledge", False), ("reject", True)]
)
async def test_where_a_redriven_event_stands_is_what_its_redrive_came_to(
    page: Page, stack: Stack, outcome: str, lies: bool
) -> None:
    """
    It is no dead letter any more when its handler acknowledged it, and else it is.
    """
    at, sub = "2026-11-23T10:00:00.000000Z", "sub-flagged"
    kinds = {"delivery": "reject", "dead-lettered": None, "redriven": outcome}
    steps = [
        {"at": at, "kind": kind, "subscription": sub, "disposition": disposition}
        for kind, disposition in kinds.items()
    ]
    answer = {"id": "x", "expected": [sub], "steps": steps, "complete": True}
    await page.route(
        re.compile(r"/api/life\?"), lambda route: route.fulfill(json=answer)
    )

    await page.goto(f"{stack.url}/api/#/event?id=x&at={at}")

    standing = page.get_by_role("list", name="Where it stands")
    await expect(standing).to_contain_text("redriven")
    assert ("dead-lettered" in await standing.inner_text()) is lies

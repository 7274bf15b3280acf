"""The page's shell: views by address, keys, health, what is wrong, and how it fits."""

import gzip
import json
import re
from pathlib import Path

import pytest
from playwright.async_api import Page, Route, expect

from tests.e2e.browser import A_PULL, overflow, violations
from tests.e2e.stacks import Stack

pytestmark = [pytest.mark.e2e, pytest.mark.browser]

ROOT = Path(__file__).resolve().parents[3]
WEB = ROOT / "console" / "web"
TABLE = (WEB / "views.js").read_text("utf-8")
VIEWS = re.findall(r'name: "([a-z]+)"', TABLE)
SEEN = "document.dispatchEvent(new Event('visibilitychange'))"
FIRST_VIEW_BYTES = 100 * 1024


async def test_every_view_opens_by_its_address_and_is_marked(
    page: Page, stack: Stack
) -> None:
    """The address names the view, the navigation and the title say which it is."""
    await page.goto(f"{stack.url}/api/")
    links = page.get_by_role("navigation", name="Views").get_by_role("link")
    await expect(links).to_have_count(len(VIEWS))

    for name in VIEWS:
        await page.goto(f"{stack.url}/api/#/{name}")
        current = page.locator("#nav [aria-current=page]")
        await expect(current).to_have_attribute("href", f"#/{name}")
        label = await current.inner_text()
        await expect(page.get_by_role("heading", level=1)).to_have_text(label)
        await expect(page).to_have_title(f"{label} · Moderation events")
        await expect(page.locator(f"#stage .view-{name}")).to_be_visible()


async def test_a_view_that_is_not_there_is_said_to_be_missing(
    page: Page, stack: Stack
) -> None:
    """A mistyped or hostile address ends in words, and the rest of the page works."""
    await page.goto(f"{stack.url}/api/#/<img src=x onerror=alert(1)>?id=%00")

    await expect(page.locator("#stage")).to_contain_text("There is no such view")

    await page.get_by_role("link", name="Stream", exact=True).click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Stream")


async def test_the_first_view_is_light(page: Page, stack: Stack) -> None:
    """What the browser loads for the first view is less than 100 KB when compressed."""
    loaded: dict[str, bytes] = {}

    async def keep(route: Route) -> None:
        answer = await route.fetch()
        loaded[route.request.url] = await answer.body()
        await route.fulfill(response=answer)

    await page.route(re.compile(r"/api/[^?]*(\.\w+)?$"), keep)
    await page.goto(f"{stack.url}/api/")
    await expect(page.locator("#stage h2").first).to_be_visible()
    await expect(page.locator("#health-pulse")).to_contain_text("Healthy")

    compressed = {url: len(gzip.compress(body)) for url, body in loaded.items()}
    assert sum(compressed.values()) < FIRST_VIEW_BYTES, compressed


async def test_what_the_browser_is_told_to_load_early_is_there_and_needed() -> None:
    """Modules preloaded by index.html are those that the shell imports."""
    markup = (WEB / "index.html").read_text("utf-8")
    preloaded = set(re.findall(r'rel="modulepreload" href="([^"]+)"', markup))

    assert preloaded == needed("app.js") - {"app.js"}


def needed(module: str) -> set[str]:
    """The module and what it imports, however far."""
    found, todo = set(), [module]
    while todo:
        name = todo.pop()
        if name not in found:
            found.add(name)
            text = (WEB / name).read_text("utf-8")
            for path in re.findall(r'^import .* from "(\.[^"]+)"', text, re.MULTILINE):
                target = (WEB / name).parent / path
                todo.append(target.resolve().relative_to(WEB).as_posix())
    return found


async def test_the_keyboard_alone_reaches_the_content_and_every_view(
    page: Page, stack: Stack
) -> None:
    """
    The first tabulator offers to skip the list; a view that is opened has the focus.
    """
    await page.goto(f"{stack.url}/api/")
    await expect(page.locator("#nav a")).to_have_count(len(VIEWS))
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.locator("#main")).to_be_focused()

    await page.get_by_role("link", name="Stream", exact=True).focus()
    await page.keyboard.press("Enter")

    await expect(page.get_by_role("heading", level=1)).to_have_text("Stream")
    await expect(page.get_by_role("heading", level=1)).to_be_focused()


async def test_a_bare_401_asks_for_a_key_that_stays_out_of_urls(
    page: Page, stack: Stack
) -> None:
    """The key goes into a header, and a wrong one is asked for again."""
    asked: list[str] = []

    # The host's recorded answer, because this stack lets everybody in.
    async def guard(route: Route) -> None:
        asked.append(route.request.url)
        if route.request.headers.get("x-functions-key") == "right":
            await route.continue_()
        else:
            await route.fulfill(status=401, body="")

    await page.route(
        re.compile(r"/api/(health|audit|activity|me|operator|topology)($|\?)"), guard
    )
    await page.goto(f"{stack.url}/api/")
    form = page.get_by_role("region", name="A function key is needed")
    await expect(form).to_contain_text("only callers with a function key")
    assert await violations(page) == []

    for key in ("wrong", "right"):
        await form.get_by_label("Function key").fill(key)
        await form.get_by_role("button", name="Use this key").click()
        if key == "wrong":
            await expect(form).to_contain_text("was refused")

    await expect(form).to_be_hidden()
    await expect(page.locator("#health-pulse")).to_contain_text("Healthy")
    assert not [url for url in asked if "right" in url or "wrong" in url]
    assert "right" not in page.url


async def test_a_readers_key_rests_what_only_operators_may_do(
    page: Page, stack: Stack
) -> None:
    """Buttons say why they cannot be pressed, and the badge says what the key opens."""

    # The host's recorded answer to a reader's key on an operator's function.
    async def guard(route: Route) -> None:
        await route.fulfill(status=401, body="")

    await page.add_init_script("sessionStorage.setItem('x-functions-key', 'readers')")
    await page.route(re.compile(r"/api/operator$"), guard)
    await page.goto(f"{stack.url}/api/#/now")

    await expect(page.locator("#caller")).to_contain_text("reader")
    button = page.get_by_role("button", name="Publish the five samples")
    await expect(button).to_have_attribute("aria-disabled", "true")
    await expect(button).to_have_accessible_description(
        re.compile("Only an operator may do this")
    )
    await button.click(force=True)
    await expect(page.locator("#publish .outcome")).to_be_empty()
    await expect(page.locator("#key")).to_be_hidden()
    assert await violations(page) == []

    await page.unroute(re.compile(r"/api/operator$"))
    await page.locator("#caller").get_by_role("button", name="Change key").click()
    await expect(page.locator("#key-value")).to_be_focused()
    await page.locator("#key-value").fill("operators")
    await page.keyboard.press("Enter")
    await expect(page.locator("#caller")).to_contain_text("operator")
    await expect(button).not_to_have_attribute("aria-disabled", "true")


async def test_alerts_are_shown_above_every_view(page: Page, stack: Stack) -> None:
    """What needs a person is shown with its time and what to do next, as text."""

    async def alarmed(route: Route) -> None:
        answer = await route.fetch()
        alert = {
            "kind": "late",
            "subscription": "sub-flagged",
            "since": "2026-11-23T10:00:00Z",
            "text": "<b>sub-flagged</b> was not drained for 20 minutes",
            "next": "see whether its timer runs",
        }
        await route.fulfill(json=await answer.json() | {"alerts": [alert]})

    await page.route(re.compile(r"/api/activity\?"), alarmed)
    await page.goto(f"{stack.url}/api/#/stream")

    banner = page.get_by_role("region", name="Alerts")
    await expect(banner).to_contain_text("<b>sub-flagged</b> was not drained")
    await expect(banner).to_contain_text("see whether its timer runs")
    assert await violations(page) == []


async def test_one_request_at_a_time_and_none_from_a_hidden_tab(
    page: Page, stack: Stack
) -> None:
    """The page asks one thing after another, and stops asking while nobody sees it."""
    asked: list[str] = []
    under_way: list[int] = [0, 0]

    async def counted(route: Route) -> None:
        asked.append(route.request.url)
        under_way[0] += 1
        under_way[1] = max(under_way)
        await route.fulfill(response=await route.fetch())
        under_way[0] -= 1

    await page.clock.install()
    reads = r"/api/(health|audit|activity|me|operator|topology)($|\?)"
    await page.route(re.compile(reads), counted)
    await page.goto(f"{stack.url}/api/#/now")
    await expect(page.locator("#pulse")).to_contain_text("Live")
    assert under_way[1] == 1

    hides = (
        "window.hid = true; Object.defineProperty(document, 'hidden', {get: () => hid})"
    )
    await page.evaluate(f"{hides}; {SEEN}")
    before = len(asked)
    await page.clock.fast_forward(3_600_000)
    assert len(asked) == before

    async with page.expect_request(re.compile(reads)):
        await page.evaluate("hid = false; " + SEEN)
        await page.clock.fast_forward(1_000)


async def test_an_app_that_is_gone_is_named_in_words_and_found_again(
    page: Page, stack: Stack
) -> None:
    """The page says that nothing answers, what to look at, and goes on by itself."""
    await page.goto(f"{stack.url}/api/")
    await expect(page.locator("#pulse")).to_contain_text("Live")

    await page.context.set_offline(True)
    await page.get_by_role("button", name="Publish the five samples").click()
    outcome = page.locator("#publish .outcome")
    await expect(outcome).to_contain_text("The app cannot be reached")
    await expect(page.locator("#pulse")).to_contain_text("next try in")
    await page.context.set_offline(False)

    await expect(page.locator("#pulse")).to_contain_text("Live", timeout=A_PULL)
    await expect(page.locator("#refresh-problem")).to_be_empty()


@pytest.mark.parametrize("view", VIEWS)
async def test_every_settings_problem_is_shown_in_every_view(
    page: Page, unset_stack: Stack, view: str
) -> None:
    """Without good settings each view is still served, and names each that is wrong."""
    await page.goto(f"{unset_stack.url}/api/#/{view}")

    for name in ("EVENTGRID_ENDPOINT", "PULL_BUDGET_SECONDS"):
        await expect(page.locator("#health-pulse")).to_contain_text(name)
    await expect(page.locator("#stage")).not_to_contain_text("Loading")
    assert await violations(page) == []


@pytest.mark.parametrize("view", VIEWS)
async def test_every_view_passes_the_rules_of_accessibility_and_fits(
    page: Page, empty_stack: Stack, view: str
) -> None:
    """With nothing recorded yet: no violation, light and dark, and nothing too wide."""
    await page.goto(f"{empty_stack.url}/api/#/{view}")
    await expect(page.locator(f"#stage .view-{view}")).to_be_visible()
    await expect(page.locator("#pulse")).to_contain_text("Live")

    for width in (360, 3840, 1280):
        await page.set_viewport_size({"width": width, "height": 900})
        assert await overflow(page) == 0
    assert await violations(page) == []
    await page.emulate_media(color_scheme="dark")
    assert await violations(page) == []


def test_the_page_has_the_topology_from_the_app() -> None:
    """No file of the page names an event subscription but where a word needs it."""
    topology = json.loads((ROOT / "moderation" / "topology.json").read_bytes())
    names = [subscription["name"] for subscription in topology["eventSubscriptions"]]

    for path in WEB.rglob("*.js"):
        if path.name not in ("inspect.js",):
            text = path.read_text("utf-8")
            assert not [name for name in names if f'"{name}"' in text], path


async def test_a_view_that_fails_to_begin_says_so_and_the_others_go_on(
    page: Page, stack: Stack
) -> None:
    """A bug of the page is shown in the page, and not only to the console."""
    faulty = "export const view = { mount() { throw new Error('no luck'); } };"

    async def broken(route: Route) -> None:
        await route.fulfill(body=faulty, content_type="text/javascript")

    await page.route("**/views/why/view.js", broken)
    await page.goto(f"{stack.url}/api/#/why")

    await expect(page.locator("#stage")).to_contain_text("no luck")
    await page.get_by_role("link", name="Stream", exact=True).click()
    await expect(page.locator("#stage .view-stream")).to_be_visible()

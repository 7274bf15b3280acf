"""The page is served whole and strict; everything else is answered in words."""

import json

import pytest

from console import static_files
from console.http import Reply, Request
from console.static_files import METHODS


async def ask(path: str, method: str = "GET", **headers: str) -> Reply:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return await static_files.answer(Request(method, named, {}, path))


@pytest.mark.parametrize("path", ["", "/", "index.html"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_the_page_is_served_at_the_root_of_the_api(
    path: str, method: str
) -> None:
    """`/api/` is where a browser begins."""
    reply = await ask(path, method)

    assert (reply.status, reply.content_type) == (200, "text/html; charset=utf-8")
    assert b"<title>" in reply.body


async def test_the_page_without_its_slash_is_led_to_it() -> None:
    """Otherwise its files would be looked for one level too high."""
    bare = Request("GET", {}, {}, "", "http://127.0.0.1:7071/api?x=1")

    reply = await static_files.answer(bare)

    assert (reply.status, reply.headers["Location"]) == (301, "api/")


async def test_nothing_but_our_own_files_may_run_on_the_page() -> None:
    """Content that got into the page as markup would still do nothing."""
    policy = (await ask("")).headers["Content-Security-Policy"]

    assert policy.startswith("default-src 'self';")
    assert "unsafe" not in policy


async def test_a_file_that_did_not_change_is_not_sent_again() -> None:
    """Its tag is a hash of its content."""
    tag = (await ask("")).headers["ETag"]

    assert (await ask("", if_none_match=tag)).status == 304
    assert (await ask("", if_none_match='"other"')).status == 200


@pytest.mark.parametrize(
    "path",
    ["nothing", "../runtime.py", "..%2Fruntime.py", "web/index.html", "a" * 9000],
)
async def test_what_is_not_a_file_of_the_page_is_a_404_of_ours(path: str) -> None:
    """The host's own 404 would have no body."""
    reply = await ask(path)

    assert (reply.status, reply.content_type) == (404, "application/problem+json")
    assert "/api/events" in json.loads(reply.body)["next"]
    assert len(reply.body) < 2000


@pytest.mark.parametrize(("path", "allowed"), METHODS.items())
async def test_a_path_with_another_method_says_which_is_allowed(
    path: str, allowed: str
) -> None:
    """405 with `Allow`, where the host would say 404."""
    reply = await ask(path, "DELETE")

    assert (reply.status, reply.headers["Allow"]) == (405, allowed)


async def test_a_function_that_is_switched_off_says_so() -> None:
    """Only then does its own method get here."""
    reply = await ask("events/samples", "POST")

    assert reply.status == 404
    assert "switched off" in json.loads(reply.body)["detail"]


@pytest.mark.parametrize("path", ["", "app.js"])
async def test_a_file_with_another_method_says_which_is_allowed(path: str) -> None:
    """The page is there to be read."""
    reply = await ask(path, "POST")

    assert (reply.status, reply.headers["Allow"]) == (405, "GET, HEAD")

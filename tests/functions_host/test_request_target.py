"""Paths and queries are decoded as Microsoft's host decodes them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions_host.http import request_target
from functions_host.http.request_target import BadTarget


@pytest.mark.parametrize(
    ("raw", "path"),
    [
        ("/api/a%20b", "/api/a b"),
        ("/api/%C3%A9", "/api/é"),
        ("/api/a%2Fb%2fc", "/api/a%2Fb%2fc"),
        ("/api/%zz/%ff/%C3", "/api/%zz/%ff/%C3"),
        ("/api/%C3%A9%FF%41", "/api/é%FFA"),
        ("/api/./a/../b", "/api/b"),
        ("/api/%2e%2e/b", "/b"),
        ("/../..", "/"),
        ("/a/.", "/a/"),
        ("/api#x", "/api#x"),
        ("http://localhost:7071/api/x", "/api/x"),
    ],
)
def test_a_path_is_decoded_where_it_can_be(raw: str, path: str) -> None:
    """Slashes stay escaped, and so does what is not UTF-8."""
    assert request_target.split(raw) == (path, "")


@pytest.mark.parametrize("raw", ["/a%00", "/é"])
def test_what_no_path_can_hold_is_refused(raw: str) -> None:
    """NUL, and bytes that should have been escaped."""
    with pytest.raises(BadTarget):
        request_target.split(raw)


@pytest.mark.parametrize(
    ("query", "values"),
    [
        ("", {}),
        ("a=1&b=2", {"a": "1", "b": "2"}),
        ("a=1&A=2&a=3", {"a": "1,2,3"}),
        ("a=&b&=", {}),
        ("a=&a=1", {"a": "1"}),
        ("a=x%2By+z", {"a": "x+y z"}),
        ("a=1,2&a=3", {"a": "1,2,3"}),
        ("a=b=c", {"a": "b=c"}),
        ("a=%ff%zz%", {"a": "%ff%zz%"}),
    ],
)
def test_query_values_are_joined_and_empty_ones_left_out(
    query: str, values: dict[str, str]
) -> None:
    """A name that comes twice, in whatever case, has both values."""
    assert request_target.parameters(query) == values


def test_the_url_is_escaped_again() -> None:
    """The function sees a URL that it could call."""
    path, query = request_target.split("/api/a%20b%2Fc%zz?x=%20")

    found = request_target.url("http", "localhost:7071", path, query)

    assert found == "http://localhost:7071/api/a%20b%2Fc%25zz?x=%20"


@given(st.text(st.characters(codec="ascii", exclude_characters="#\0")))
def test_any_ascii_is_a_target_or_refused(text: str) -> None:
    """Nothing that can be sent breaks the decoding."""
    try:
        path, query = request_target.split("/" + text)
    except BadTarget:
        assert "%00" in text
        return
    assert path.startswith("/")
    assert request_target.url("http", "x", path, query).isascii()
    assert "" not in request_target.parameters(query).values()

"""Every invocation belongs to a trace, as in the Functions host."""

import re

import pytest

from functions_host import trace_context

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = f"00-{TRACE}-b7ad6b7169203331-01"


def test_the_trace_of_a_request_is_continued_with_a_new_span() -> None:
    """Its flags and state stay."""
    found = trace_context.of_invocation(
        {"traceparent": PARENT, "tracestate": "a=1,b=2"}
    )

    version, trace, span, flags = found.parent.split("-")
    assert (version, trace, flags, found.state) == ("00", TRACE, "01", "a=1,b=2")
    assert re.fullmatch("[0-9a-f]{16}", span)
    assert span not in PARENT


@pytest.mark.parametrize(
    "given",
    [
        None,
        "",
        "garbage",
        PARENT.upper(),
        f"{PARENT},{PARENT}",
        f"ff-{TRACE}-b7ad6b7169203331-01",
        f"00-{'0' * 32}-b7ad6b7169203331-01",
        f"00-{TRACE}-{'0' * 16}-01",
    ],
)
def test_without_a_valid_one_a_new_trace_begins(given: str | None) -> None:
    """Another one each time, and the state of nothing."""
    headers = {"tracestate": "a=1"} | ({} if given is None else {"traceparent": given})

    found = [trace_context.of_invocation(headers) for _ in range(2)]

    assert all(re.fullmatch("00-[0-9a-f]{32}-[0-9a-f]{16}-00", f.parent) for f in found)
    assert found[0].parent[3:35] != found[1].parent[3:35]
    assert all(TRACE not in f.parent and f.state == "" for f in found)

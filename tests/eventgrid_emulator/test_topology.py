"""The topology file: what it may hold, and how a mistake in it is reported."""

import contextlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventgrid_emulator.topology.checks import TopologyError
from eventgrid_emulator.topology.topology import DAY, Topology, load, parse
from tests import topology_cases
from tests.topology_cases import CASES, FILTERS, WARNINGS, name_of


def a_subscription(**changes: Any) -> dict[str, Any]:
    return {"name": "sub-a"} | changes


def a_topology(*subscriptions: Any, **changes: Any) -> str:
    listed = list(subscriptions) or [a_subscription()]
    return json.dumps({"topic": "orders", "eventSubscriptions": listed} | changes)


def described(found: Topology) -> dict[str, Any]:
    """Return what was read, as the table has it."""
    [topic] = found.topics
    return {
        "topic": topic.name,
        "eventRetentionInDays": topic.retention / DAY,
        "deadLetterContainer": topic.dead_letter_container,
        "eventSubscriptions": [
            {
                "name": subscription.name,
                "receiveLockDurationInSeconds": subscription.limits.lock_duration,
                "maxDeliveryCount": subscription.limits.max_delivery_count,
                "eventTimeToLive": subscription.limits.time_to_live,
                **subscription.filters.document(),
            }
            for subscription in topic.subscriptions
        ],
    }


@pytest.mark.parametrize("case", CASES, ids=name_of)
def test_a_file_means_the_same_as_elsewhere(case: dict[str, Any]) -> None:
    """What is missing or null has its default, and what is wrong is named, all at once."""
    raw, case = topology_cases.content(case), case | case.get("emulator", {})

    if "means" in case:
        assert described(parse(raw)) == topology_cases.meaning(case["means"])
        return
    with pytest.raises(TopologyError) as caught:
        parse(raw)
    assert all(word in str(caught.value) for word in case["refused"])


@pytest.mark.parametrize("case", FILTERS, ids=name_of)
def test_a_filter_that_azure_refuses_is_named(case: dict[str, Any]) -> None:
    """With its event subscription, its place and what is allowed."""
    with pytest.raises(
        TopologyError, match="event subscription sub-a, filter 1"
    ) as caught:
        parse(topology_cases.with_filters({"filters": [case["filter"]]}))
    assert all(word in str(caught.value) for word in case["refused"])


@pytest.mark.parametrize("case", WARNINGS, ids=name_of)
def test_what_no_event_can_match_is_warned_about(
    case: dict[str, Any], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The service says nothing, and the queue stays empty."""
    file = tmp_path / "topology.json"
    file.write_bytes(topology_cases.with_filters(case["filtersConfiguration"]))

    load(file)

    assert bool(caplog.text) == bool(case["warns"])
    assert all(word in caplog.text for word in case["warns"])


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('{"topics": []}', "`topics`"),
        ('{"topics": {}}', "`topics`"),
        ('{"topics": ["x"]}', "JSON object"),
        ('{"topics": [{"topic": "one"}], "typo": 1}', "unknown key `typo`"),
        ('{"topics": [{"topic": "one"}, {"topic": "One"}]}', "declared twice"),
        (a_topology(*[a_subscription(name=f"s-{n}") for n in range(501)]), "500"),
    ],
)
def test_a_mistake_is_named_with_its_place(text: str, says: str) -> None:
    """Whoever wrote the file finds it without a debugger."""
    with pytest.raises(TopologyError) as caught:
        parse(text)
    assert says in str(caught.value)


def test_an_event_subscription_has_25_filters_and_25_values_at_most() -> None:
    """Values are counted over all its filters."""
    exists = {"operatorType": "IsNotNull", "key": "subject"}
    thirteen = {"operatorType": "NumberIn", "key": "data.n", "values": list(range(13))}

    def with_filters(*filters: Any) -> str:
        return a_topology(a_subscription(filtersConfiguration={"filters": filters}))

    parse(with_filters(*[exists] * 25))
    with pytest.raises(TopologyError, match="at most 25"):
        parse(with_filters(*[exists] * 26))
    with pytest.raises(TopologyError, match="26 values"):
        parse(with_filters(thirteen, thirteen))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["topic", "topics", "eventSubscriptions", "name", "filters", "x"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(JSON | st.binary(max_size=30))
def test_no_file_content_breaks_the_reader(content: Any) -> None:
    """Anything is a topology or a TopologyError."""
    text = content if isinstance(content, bytes) else json.dumps(content)
    with contextlib.suppress(TopologyError):
        parse(text)

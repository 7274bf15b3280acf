"""topology.json, as the app reads it: one meaning with Bicep and the emulator."""

import contextlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moderation import topology
from moderation.filters.rules import warnings
from moderation.topology import Topology, TopologyInvalid, parse
from moderation.topology_file import seconds
from tests import topology_cases
from tests.topology_cases import CASES, FILTERS, WARNINGS, name_of


def described(found: Topology) -> dict[str, Any]:
    """What was read, as the table has it."""
    return {
        "topic": found.topic,
        "eventRetentionInDays": found.event_retention_in_days,
        "deadLetterContainer": found.dead_letter_container,
        "eventSubscriptions": [
            {
                "name": subscription.name,
                "receiveLockDurationInSeconds": subscription.receive_lock_duration_in_seconds,
                "maxDeliveryCount": subscription.max_delivery_count,
                "eventTimeToLive": seconds(subscription.event_time_to_live),
                "includedEventTypes": subscription.filters_configuration.included_event_types,
                "filters": subscription.filters_configuration.filters,
            }
            for subscription in found.event_subscriptions
        ],
    }


@pytest.mark.parametrize("case", CASES, ids=name_of)
def test_a_file_means_the_same_as_elsewhere(case: dict[str, Any]) -> None:
    """What is missing or null has its default, and what is wrong is named, all at once."""
    raw = topology_cases.content(case)

    if "means" in case:
        assert described(parse(raw)) == topology_cases.meaning(case["means"])
        return
    with pytest.raises(TopologyInvalid) as caught:
        parse(raw)
    assert all(word in str(caught.value) for word in case["refused"])
    assert all(
        problem.path.startswith("topology.json") for problem in caught.value.problems
    )


@pytest.mark.parametrize("case", FILTERS, ids=name_of)
def test_a_filter_that_azure_refuses_is_named(case: dict[str, Any]) -> None:
    """With its event subscription, its place and what is allowed."""
    with pytest.raises(TopologyInvalid) as caught:
        parse(topology_cases.with_filters({"filters": [case["filter"]]}))

    [problem] = caught.value.problems
    assert problem.path == "topology.json: sub-a: filter 1"
    assert all(word in problem.problem for word in case["refused"])


@pytest.mark.parametrize("case", WARNINGS, ids=name_of)
def test_what_no_event_can_match_is_warned_about(case: dict[str, Any]) -> None:
    """The service says nothing, and the queue stays empty."""
    found = parse(topology_cases.with_filters(case["filtersConfiguration"]))
    filters = found.event_subscriptions[0].filters_configuration

    said = " ".join(warnings(filters))
    assert bool(said) == bool(case["warns"])
    assert all(word in said for word in case["warns"])


def test_too_much_is_named() -> None:
    """Event Grid has limits for the number of filters, values and event subscriptions."""
    clause = {"operatorType": "StringIn", "key": "x", "values": ["a"] * 13}
    many = [{"name": f"sub-{number}"} for number in range(501)]

    for raw, says in [
        (topology_cases.with_filters({"filters": [clause] * 26}), "at most 25"),
        (topology_cases.with_filters({"filters": [clause] * 2}), "26 values"),
        (topology_cases.content({"topology": {"eventSubscriptions": many}}), "500"),
    ]:
        with pytest.raises(TopologyInvalid, match=says):
            parse(raw)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    """It may be left out of a deployment."""
    with pytest.raises(TopologyInvalid, match="cannot be read: No such file"):
        topology.read(tmp_path / "topology.json")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    *("topic", "eventSubscriptions", "name", "filtersConfiguration"),
                    *("includedEventTypes", "maxDeliveryCount", "eventTimeToLive"),
                    *("filters", "operatorType", "key", "values", "x"),
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(JSON | st.binary(max_size=30))
def test_no_file_content_breaks_the_reader(content: Any) -> None:
    """Anything is a topology or a list of what is wrong."""
    raw = content if isinstance(content, bytes) else json.dumps(content).encode()
    with contextlib.suppress(TopologyInvalid):
        parse(raw)

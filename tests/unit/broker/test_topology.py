"""The topology file: what it may hold, and how a mistake in it is said."""

import contextlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.broker.entries import QueueLimits
from local.broker.filters import Filter
from local.broker.problems import TopologyError
from local.broker.topology import DAY, load, parse, parse_duration

ROOT = Path(__file__).parents[3]


def a_subscription(**changes: Any) -> dict[str, Any]:
    return {"name": "sub-a"} | changes


def a_topology(*subscriptions: Any, **changes: Any) -> str:
    listed = list(subscriptions) or [a_subscription()]
    return json.dumps({"topic": "orders", "eventSubscriptions": listed} | changes)


def a_filter(**clause: Any) -> str:
    return a_topology(a_subscription(filtersConfiguration={"filters": [clause]}))


def test_the_project_s_topology_is_read_as_declared() -> None:
    """Lock 60 s, ten deliveries, one day to live, three event subscriptions."""
    [topic] = load(ROOT / "moderation" / "topology.json").topics

    assert topic.name == "moderation-events"
    assert topic.dead_letter_container == "dead-letters"
    names = [each.name for each in topic.subscriptions]
    assert names == ["sub-flagged", "sub-approved", "sub-all-events"]
    assert {each.limits for each in topic.subscriptions} == {QueueLimits(60, 10, DAY)}


def test_defaults_are_the_service_s() -> None:
    """Lock 60 s, ten deliveries, time to live as long as the topic keeps events."""
    [topic] = parse(a_topology()).topics
    [subscription] = topic.subscriptions

    assert topic.retention == 7 * DAY
    assert subscription.limits == QueueLimits(60, 10, 7 * DAY)
    assert subscription.filters.event_types is None


def test_several_topics_can_be_declared() -> None:
    """Any project's namespace fits in one file."""
    topics = [json.loads(a_topology(topic=name)) for name in ("orders", "returns")]
    assert len(parse(json.dumps({"topics": topics})).topics) == 2


def test_a_filter_is_read_with_its_operand() -> None:
    """`value` for one, `values` for several."""
    text = a_filter(operatorType="NumberInRange", key="data.n", values=[[1, 2.5]])
    [topic] = parse(text).topics

    [clause] = topic.subscriptions[0].filters.clauses
    assert clause == Filter("NumberInRange", "data.n", ([1, 2.5],))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "not valid JSON"),
        ("[]", "JSON object"),
        ("{}", "`topic`"),
        ('{"topics": []}', "`topics`"),
        (a_topology(topic="x"), "3 to 50"),
        (a_topology(topic="under_score"), "3 to 50"),
        (a_topology(eventRetentionInDays=8), "from 1 to 7"),
        (a_topology(eventRetentionInDays=True), "from 1 to 7"),
        (a_topology(typo=1), "unknown key `typo`"),
        (a_topology(deadLetterContainer=1), "deadLetterContainer"),
        (a_topology(deadLetterContainer="Dead_Letters"), "deadLetterContainer"),
        (a_topology(deadLetterContainer="a/../b"), "deadLetterContainer"),
        (a_topology(deadLetterContainer="dead--letters"), "deadLetterContainer"),
        (a_topology("sub"), "JSON object"),
        (a_topology(a_subscription(), a_subscription()), "declared twice"),
        (
            a_topology(a_subscription(maxDeliveryCont=3)),
            "unknown key `maxDeliveryCont`",
        ),
        (a_topology(a_subscription(expirationTimeUtc="2030-01-01")), "unknown key"),
        (a_topology(*[a_subscription(name=f"s-{n}") for n in range(501)]), "500"),
        (a_topology(a_subscription(maxDeliveryCount=0)), "from 1 to 10"),
        (a_topology(a_subscription(maxDeliveryCount=11)), "from 1 to 10"),
        (a_topology(a_subscription(receiveLockDurationInSeconds=59)), "60 to 300"),
        (a_topology(a_subscription(receiveLockDurationInSeconds=301)), "60 to 300"),
        (a_topology(a_subscription(eventTimeToLive="PT59S")), "at least PT1M"),
        (a_topology(a_subscription(eventTimeToLive="P8D")), "eventRetentionInDays"),
        (a_topology(a_subscription(eventTimeToLive="soon")), "ISO 8601"),
        (
            a_topology(
                a_subscription(eventTimeToLive="PT2M", receiveLockDurationInSeconds=180)
            ),
            "lock duration",
        ),
        (a_filter(operatorType="Sounds", key="x"), "filter 1: unknown operatorType"),
        (a_filter(operatorType="StringIn", values=["a"]), "`key`"),
        (a_filter(operatorType="StringIn", key="x"), "list of `values`"),
        (a_filter(operatorType="StringIn", key="x", value="a"), "list of `values`"),
        (a_filter(operatorType="StringIn", key="x", values=[]), "not empty"),
        (a_filter(operatorType="StringIn", key="x", values=[1]), "is not text"),
        (a_filter(operatorType="StringIn", key="x", values=["a" * 513]), "512"),
        (a_filter(operatorType="NumberIn", key="x", values=["1"]), "is not a number"),
        (a_filter(operatorType="NumberIn", key="x", values=[True]), "is not a number"),
        (a_filter(operatorType="NumberLessThan", key="x", values=[1]), "one `value`"),
        (a_filter(operatorType="BoolEquals", key="x", value=1), "true or false"),
        (a_filter(operatorType="NumberInRange", key="x", values=[[2, 1]]), "a pair"),
        (a_filter(operatorType="NumberInRange", key="x", values=[1]), "a pair"),
        (a_filter(operatorType="IsNotNull", key="x", value=1), "neither"),
        (a_filter(operatorType="IsNotNull", key="x", odd=1), "unknown key `odd`"),
    ],
)
def test_a_mistake_is_named_with_its_place(text: str, says: str) -> None:
    """Whoever wrote the file finds it without a debugger."""
    with pytest.raises(TopologyError) as caught:
        parse(text)
    assert says in str(caught.value)


def test_an_error_names_the_event_subscription_and_the_filter() -> None:
    """Both, since a file may have hundreds."""
    good = {"operatorType": "IsNotNull", "key": "subject"}
    bad = {"operatorType": "StringIn", "key": "subject", "values": [1]}
    configuration = {"filters": [good, bad]}

    with pytest.raises(TopologyError, match="event subscription sub-a, filter 2"):
        parse(a_topology(a_subscription(filtersConfiguration=configuration)))


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


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    """Missing, or a folder."""
    for path in (tmp_path / "missing.json", tmp_path):
        with pytest.raises(TopologyError) as caught:
            load(path)
        assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("P1D", 86_400),
        ("PT12H", 43_200),
        ("PT1M", 60),
        ("P1DT2H30M15S", 95_415),
        ("P1W", 604_800),
        ("PT90.5S", 90.5),
    ],
)
def test_a_duration_is_read(text: str, seconds: float) -> None:
    """Weeks, days, hours, minutes and seconds."""
    assert parse_duration(text, "here") == seconds


@pytest.mark.parametrize("text", ["", "P", "PT", "P1", "1D", "P1M", "P-1D", "P1DT", 5])
def test_what_is_no_duration_is_refused(text: Any) -> None:
    """Months and years have no fixed length, so they are none either."""
    with pytest.raises(TopologyError, match="ISO 8601"):
        parse_duration(text, "here")


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

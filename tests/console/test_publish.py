"""What a publish puts into its events besides what it was given."""

import json
from typing import Any, cast

import azure.functions as func
import msgspec
import pytest

from eventgrid_pull.blob.append_log import stamp
from eventgrid_pull.publishing.publish_stamp import ATTRIBUTE, PUBLISHER
from tests.calling import Api, Invocation
from tests.console.test_access import a_principal
from tests.make import NOW, a_result, an_event

OPERATION = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
HEADER = "00-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-01"
OWN = "00-11111111111111111111111111111111-2222222222222222-00"
PLAIN = {"content-type": "application/json"}
STRUCTURED = {"content-type": "application/cloudevents+json"}


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Api:
    return Api(monkeypatch)


async def publish(
    api: Api, body: Any, headers: dict[str, str], path: str = "events"
) -> list[dict[str, Any]]:
    answer = await api.call("POST", path, json.dumps(body).encode(), headers=headers)
    assert answer.status in (200, 202), answer.body
    return [json.loads(event) for event in api.sink.events]


@pytest.mark.parametrize("path", ["events", "events/samples", "inspect"])
async def test_events_go_on_with_the_trace_of_the_invocation(
    api: Api, path: str
) -> None:
    """The operation in Application Insights, the event and its entry are one trace."""
    api.context = cast(func.Context, Invocation(OPERATION, "vendor=1"))

    events = await publish(api, a_result(), PLAIN | {"traceparent": HEADER}, path)

    assert {event["traceparent"] for event in events} == {OPERATION}
    assert {event["tracestate"] for event in events} == {"vendor=1"}


@pytest.mark.parametrize("told", ["", "nonsense", None])
async def test_without_one_they_go_on_with_that_of_the_request(
    api: Api, told: Any
) -> None:
    """Not every host tells the invocation's."""
    api.context = cast(func.Context, Invocation(told, told))

    [event] = await publish(api, a_result(), PLAIN | {"traceparent": HEADER})

    assert event["traceparent"] == HEADER


async def test_an_event_that_has_a_trace_keeps_it_whatever_the_host_says(
    api: Api,
) -> None:
    """Its producer began the trace before the request."""
    api.context = cast(func.Context, Invocation(OPERATION))

    [event] = await publish(api, an_event(traceparent=OWN), STRUCTURED)

    assert event["traceparent"] == OWN


BINARY = {
    "content-type": "application/json",
    "ce-specversion": "1.0",
    "ce-id": "1",
    "ce-source": "/s",
    "ce-type": "com.contoso.ai.ContentFlagged",
    f"ce-{ATTRIBUTE}": "2020-01-01T00:00:00.000000Z",
    f"ce-{PUBLISHER}": "key 0123456789abcdef",
}
BATCHED = {"content-type": "application/cloudevents-batch+json"}
CLAIM = {ATTRIBUTE: "2020-01-01T00:00:00.000000Z", PUBLISHER: "ann"}


@pytest.mark.parametrize(
    ("path", "headers", "body"),
    [
        ("events", PLAIN, a_result()),
        ("events", PLAIN, [a_result(), a_result()]),
        ("events", STRUCTURED, an_event() | CLAIM),
        ("events", BATCHED, [an_event() | CLAIM, an_event(id="2")]),
        ("events", BINARY, a_result()),
        ("events/samples", PLAIN, None),
        ("inspect", PLAIN, None),
    ],
)
async def test_each_event_says_when_and_by_whom_it_was_published_whatever_it_had(
    api: Api, path: str, headers: dict[str, str], body: Any
) -> None:
    """
    What a publisher says there is a claim; what is measured is ours. A line proves it.
    """
    headers = headers | {"x-functions-key": "secret"}

    events = await publish(api, body, headers, path)

    assert {event[ATTRIBUTE] for event in events} == {stamp(NOW)}
    assert {event[PUBLISHER] for event in events} == {"key 2bb80d537b1da3e3"}
    line = next(
        action for action in await api.actions() if action["action"] == "publish"
    )
    assert line["ids"] == [event["id"] for event in events]
    assert (line["identity"], line["stamped"]) == ("key 2bb80d537b1da3e3", stamp(NOW))


OID = "0C7E5E4A-5A0D-4f0e-9f0b-6a1d8b6a9a01"
OBJECT_ID = "http://schemas.microsoft.com/identity/claims/objectidentifier"


@pytest.mark.parametrize(
    ("headers", "claims", "identity"),
    [
        ({"x-ms-client-principal-id": OID}, {}, OID.lower()),
        ({}, {OBJECT_ID: OID}, OID.lower()),
        ({}, {"oid": OID}, OID.lower()),
        ({"x-ms-client-principal-id": "ann@contoso.com"}, {"oid": OID}, OID.lower()),
        ({"x-ms-client-principal-id": "ann@contoso.com"}, {}, "a user"),
        ({"x-ms-client-principal-id": f"{OID}\n"}, {}, "a user"),
        ({}, {"oid": "Ann"}, "a user"),
        ({"x-ms-client-principal-name": OID}, {}, "a user"),
        ({}, {}, "a user"),
    ],
)
async def test_a_user_is_in_the_event_by_their_object_id_and_never_by_name(
    api: Api,
    monkeypatch: pytest.MonkeyPatch,
    headers: dict[str, str],
    claims: dict[str, str],
    identity: str,
) -> None:
    """The event goes to others; the log of the app alone has the name."""
    monkeypatch.setenv("WEBSITE_AUTH_ENABLED", "true")
    principal = a_principal("Moderation.Operator", name="ann@contoso.com", **claims)
    signed = PLAIN | headers | {"x-ms-client-principal": principal}

    [event] = await publish(api, a_result(), signed)

    assert event[PUBLISHER] == identity
    [line] = await api.actions()
    assert line["identity"] == identity


async def test_where_no_key_is_asked_for_anyone_published(api: Api) -> None:
    """So it is on a laptop."""
    [event] = await publish(api, an_event() | CLAIM, STRUCTURED)

    assert event[PUBLISHER] == "anyone"


async def test_a_filter_on_who_published_is_explained_as_it_will_hold(
    api: Api,
) -> None:
    """A dry run has the attributes that publishing sets."""
    clause = {"operatorType": "StringIn", "key": PUBLISHER, "values": ["anyone"]}
    [first, *rest] = api.runtime.topology.event_subscriptions
    config = msgspec.convert({"filters": [clause]}, type(first.filters_configuration))
    api.runtime.topology = msgspec.structs.replace(
        api.runtime.topology,
        event_subscriptions=[
            msgspec.structs.replace(first, filters_configuration=config),
            *rest,
        ],
    )

    body = json.dumps(an_event() | CLAIM).encode()
    answer = await api.call("POST", "why", body, headers=STRUCTURED)

    [event] = answer.json()["events"]
    assert event["subscriptions"][0]["takes"] is True

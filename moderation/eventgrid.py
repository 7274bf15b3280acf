"""The only door to azure.eventgrid: a topic to publish to, subscriptions to pull from.

Requests go through the SDK clients' public `send_request()`, with the SDK's policies
for credentials, tracing and user agent; retries are in `retry.py`. Bodies are decoded
here with msgspec and each event on its own, so that one undecodable event does not
strand the lock tokens of its batch, as `receive()` would.
"""

import logging
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

import msgspec
from azure.core.credentials import AzureKeyCredential
from azure.core.credentials_async import AsyncTokenCredential
from azure.core.exceptions import (
    AzureError,
    ClientAuthenticationError,
    ServiceRequestError,
    ServiceResponseError,
)
from azure.core.pipeline import policies
from azure.core.rest import AsyncHttpResponse, HttpRequest
from azure.eventgrid import __version__ as sdk_version
from azure.eventgrid.aio import EventGridConsumerClient, EventGridPublisherClient

from moderation import events, nested
from moderation.delivery import Delivery, ReleaseDelay
from moderation.retry import EventGridError, retried
from moderation.transport import LeanTransport

_log = logging.getLogger(__name__)

API_VERSION = "2024-06-01"
SCOPE = "https://eventgrid.azure.net/.default"
BATCH_TYPE = "application/cloudevents-batch+json; charset=utf-8"
BOGUS_TOKEN = "not-a-lock-token"  # noqa: S105 - that is the point of it

# A publish has someone waiting; a settlement has a lock that lasts a minute or more.
PUBLISH_SECONDS, SETTLE_SECONDS = 8.0, 15.0
# Longer than a slow answer takes, short of what a drain may be late.
ANSWER_SECONDS = 8.0

# What decoding raises: msgspec's errors are ValueErrors, and so are bad UTF-8's.
UNREADABLE = (ValueError, RecursionError)

type Credential = AzureKeyCredential | AsyncTokenCredential


class Settled(msgspec.Struct, frozen=True):
    """The lock tokens that Event Grid settled, and why it did not settle the others."""

    succeeded: frozenset[str]
    failed: dict[str, str] = {}

    def codes(self) -> Counter[str]:
        """How many tokens failed with which code (`TokenLost`, `BadToken`, …)."""
        return Counter(self.failed.values())


class _Result(msgspec.Struct, rename="camel"):
    succeeded_lock_tokens: list[str] | None = None
    failed_lock_tokens: list["_Failed"] | None = None


class _Error(msgspec.Struct):
    code: str = "Unknown"
    message: str = ""


class _Failed(msgspec.Struct, rename="camel"):
    lock_token: str
    error: _Error | None = None


class _Received(msgspec.Struct):
    value: list[msgspec.Raw]


class _BrokerProperties(msgspec.Struct, rename="camel"):
    lock_token: str
    delivery_count: int | None = 1


class _Item(msgspec.Struct, rename="camel"):
    broker_properties: _BrokerProperties
    event: msgspec.Raw = msgspec.Raw(b"null")


class _ReceivedWhole(msgspec.Struct):
    value: list[_Item]


class _Refusal(msgspec.Struct):
    error: _Error


_results = msgspec.json.Decoder(_Result)
_received = msgspec.json.Decoder(_Received)
_received_whole = msgspec.json.Decoder(_ReceivedWhole)
_items = msgspec.json.Decoder(_Item)
_refusals = msgspec.json.Decoder(_Refusal)


class _Request(HttpRequest):
    """A request that is sent once, so the client need not keep its own copy of it."""

    def __deepcopy__(self, memo: object = None) -> "_Request":
        return self


async def _post(
    client: EventGridPublisherClient | EventGridConsumerClient,
    url: str,
    params: Mapping[str, str | int],
    body: bytes = b"",
    content_type: str = "application/json",
    wait: int = 0,
) -> bytes:
    """The body of a 200; EventGridError for anything else.

    `wait` is how long Event Grid may take over it before it answers.
    """
    query = "".join(f"&{name}={value}" for name, value in params.items())
    request = _Request(
        "POST",
        f"{url}?api-version={API_VERSION}{query}",
        headers={"content-type": content_type, "accept": "application/json"},
        content=body,
    )
    try:
        response = await client.send_request(
            request, read_timeout=wait + ANSWER_SECONDS
        )
        content = await response.read()
    except AzureError as error:
        raise _unanswered(error) from error
    if response.status_code != 200:
        raise _refused(response, content)
    return content


def _unanswered(error: AzureError) -> EventGridError:
    if isinstance(error, ClientAuthenticationError):
        return EventGridError(
            "no token for Event Grid: sign in (az login), give the app an identity, "
            "or set EVENTGRID_KEY"
        )
    if isinstance(error, ServiceRequestError | ServiceResponseError):
        # The name tells a refused connection, DNS, a certificate and a timeout apart.
        cause = type(error.inner_exception or error).__name__
        advice = "is EVENTGRID_ENDPOINT right, is it up?"
        message = f"Event Grid does not answer ({cause}): {advice}"
        return EventGridError(message, transient=True)
    message = f"Event Grid could not be asked: {type(error).__name__}: {error}"
    return EventGridError(message)


def _refused(response: AsyncHttpResponse, content: bytes) -> EventGridError:
    status = response.status_code
    try:
        error = _refusals.decode(content).error
    except UNREADABLE:
        error = _Error("", "")
    said = f"Event Grid answered {status} {error.code}: {error.message}".rstrip(": ")
    message = f"{said}. {_ADVICE.get(status, '')}".strip()
    wait = _seconds(response.headers.get("retry-after", ""))
    return EventGridError(message, status, code=error.code, retry_after=wait)


def _seconds(retry_after: str) -> float | None:
    """Retry-After in seconds; a date, or nonsense, is left to our own pauses."""
    return float(retry_after) if re.fullmatch(r"\d{1,6}", retry_after) else None


_ADVICE = {
    401: "Look at EVENTGRID_KEY, or at the identity of the app.",
    403: (
        "The app's identity needs EventGrid Data Sender on the topic and EventGrid "
        "Data Receiver on its event subscriptions; or a quota is used up."
    ),
    404: "Look at EVENTGRID_TOPIC_NAME and at what is deployed.",
    429: "The namespace is throttled: wait, or give it more throughput units.",
}


def _pipeline(credential: Credential) -> dict[str, Any]:
    """What a client is made with: the SDK's policies that a request here needs.

    Not those for redirects, proxies, decoding and logging bodies, which would see
    nothing to do on every request, nor the SDK's retries (see `retry.py`).
    """
    identify: list[object] = [
        policies.RequestIdPolicy(),
        policies.UserAgentPolicy(sdk_moniker=f"eventgrid/{sdk_version}"),
    ]
    if isinstance(credential, AzureKeyCredential):
        authorise: object = policies.AzureKeyCredentialPolicy(
            credential, "Authorization", prefix="SharedAccessKey"
        )
    else:
        authorise = policies.AsyncBearerTokenCredentialPolicy(credential, SCOPE)
    trace = policies.DistributedTracingPolicy()
    return {
        "transport": LeanTransport(),
        "policies": [*identify, authorise, trace],
    }


def _topic_url(endpoint: str, topic: str) -> str:
    return f"{endpoint.rstrip('/')}/topics/{quote(topic, safe='')}"


class Topic:
    """A namespace topic to publish to. One client, for the life of the process."""

    def __init__(self, endpoint: str, topic: str, credential: Credential) -> None:
        self._url = f"{_topic_url(endpoint, topic)}:publish"
        self._client = EventGridPublisherClient(
            endpoint, credential, namespace_topic=topic, **_pipeline(credential)
        )

    async def publish(self, batch: Sequence[bytes]) -> None:
        """Publish events, each encoded as JSON, in one request; all of them or none.

        At most 1,000 events and 1 MB. Raises EventGridError.
        """
        body = b"[" + b",".join(batch) + b"]"
        await retried(
            lambda: _post(self._client, self._url, {}, body, BATCH_TYPE),
            within=PUBLISH_SECONDS,
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()


class Subscription:
    """One event subscription to pull from. One client, for the life of the process."""

    def __init__(
        self, endpoint: str, topic: str, name: str, credential: Credential
    ) -> None:
        self._url = f"{_topic_url(endpoint, topic)}/eventsubscriptions/{name}"
        self._client = EventGridConsumerClient(
            endpoint,
            credential,
            namespace_topic=topic,
            subscription=name,
            **_pipeline(credential),
        )

    async def receive(
        self, max_events: int, max_wait: int, *, within: float
    ) -> list[Delivery]:
        """Up to 1..100 deliveries; waits up to 10..120 seconds for the first one.

        Tried again while that can end `within` so many seconds: a receive whose answer
        was lost costs only lock time. What cannot be read is delivered as
        MalformedEvent, with its lock token. Raises EventGridError.
        """
        params = {"maxEvents": max_events, "maxWaitTime": max_wait}
        url = f"{self._url}:receive"
        content = await retried(
            lambda: _post(self._client, url, params, wait=max_wait),
            within=within - max_wait,
        )
        return [_delivery(item) for item in _items_of(content)]

    async def acknowledge(self, tokens: Sequence[str]) -> Settled:
        """Done with these. Raises EventGridError; reads the failed tokens."""
        return await self._settle("acknowledge", tokens, {})

    async def release(self, tokens: Sequence[str], delay: ReleaseDelay) -> Settled:
        """Give these back, to be delivered again after the delay."""
        return await self._settle(
            "release", tokens, {"releaseDelayInSeconds": int(delay)}
        )

    async def reject(self, tokens: Sequence[str]) -> Settled:
        """Dead-letter these."""
        return await self._settle("reject", tokens, {})

    async def renew(self, tokens: Sequence[str]) -> Settled:
        """Keep these for another lock duration, within an hour of their receive."""
        return await self._settle("renewLock", tokens, {})

    async def probe(self) -> None:
        """See that it is reachable, authorised and there; nothing is received.

        Acknowledges a bogus lock token, which Event Grid answers with `BadToken`. Not
        tried again: whoever asks wants to know how it is now. Raises EventGridError.
        """
        await self._settle("acknowledge", [BOGUS_TOKEN], {}, within=0)

    async def _settle(
        self,
        verb: str,
        tokens: Sequence[str],
        params: Mapping[str, str | int],
        within: float = SETTLE_SECONDS,
    ) -> Settled:
        body = msgspec.json.encode({"lockTokens": tokens})
        url = f"{self._url}:{verb}"
        content = await retried(
            lambda: _post(self._client, url, params, body), within=within
        )
        try:
            result = _results.decode(content)
        except UNREADABLE as error:
            message = f"Event Grid's answer to {verb} is not readable: {error}"
            raise EventGridError(message) from error
        return Settled(
            frozenset(result.succeeded_lock_tokens or ()),
            {
                one.lock_token: (one.error or _Error()).code
                for one in result.failed_lock_tokens or ()
            },
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()


def _items_of(content: bytes) -> list[_Item]:
    """The items of an answer to receive; one that names no lock token is left out."""
    try:
        return _received_whole.decode(content).value
    except UNREADABLE:
        pass  # one item at least is not as it should be: read each on its own
    content, deep = nested.set_apart(content)
    try:
        items = _received.decode(content).value
    except UNREADABLE as error:
        message = f"Event Grid's answer to receive is not readable: {error}"
        raise EventGridError(message) from error
    found = [one for item in items if (one := _item(item)) is not None]
    for one in found:
        one.event = msgspec.Raw(deep.get(bytes(one.event), one.event))
    return found


def _item(item: msgspec.Raw) -> _Item | None:
    try:
        return _items.decode(item)
    except UNREADABLE as error:
        _log.warning("received an item that cannot be settled: %s", error)
        return None


def _delivery(item: _Item) -> Delivery:
    raw = bytes(item.event)
    lent = item.broker_properties
    return Delivery(lent.lock_token, lent.delivery_count or 1, raw, events.read(raw))

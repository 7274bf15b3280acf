"""The only door to azure.eventgrid: a namespace, its topics to publish to, and its
event subscriptions to pull from.

Requests go through an SDK client's public `send_request()`, with the SDK's policies
for credentials, tracing and user agent; retries are in `http_retry.py`. Bodies are decoded
with msgspec and each event on its own (`receive_response.py`), so that one undecodable event
does not strand the lock tokens of its batch, as `receive()` would.
"""

import itertools
import uuid
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

import msgspec
from azure.core.credentials import AzureKeyCredential
from azure.core.credentials_async import AsyncTokenCredential
from azure.core.exceptions import AzureError
from azure.core.pipeline import policies
from azure.core.settings import settings as sdk_settings
from azure.eventgrid import __version__ as sdk_version
from azure.eventgrid.aio import EventGridPublisherClient

from eventgrid_pull.event import UNREADABLE, Decode, Delivery
from eventgrid_pull.outcomes import ReleaseDelay, Settled, Verb
from eventgrid_pull.settings.connection import Credential
from eventgrid_pull.wire import error_messages, receive_response
from eventgrid_pull.wire.error_messages import Error, SettingNames
from eventgrid_pull.wire.http_retry import EventGridError, retry
from eventgrid_pull.wire.sending import on_sending
from eventgrid_pull.wire.transport import InOneStep, LeanTransport, Post

API_VERSION = "2024-06-01"
REQUEST_ID = "x-ms-client-request-id"
SCOPE = "https://eventgrid.azure.net/.default"
BATCH_TYPE = "application/cloudevents-batch+json; charset=utf-8"
BOGUS_TOKEN = "not-a-lock-token"  # noqa: S105 - that is the point of it

# A publish has someone waiting; a settlement has a lock that lasts a minute or more.
PUBLISH_SECONDS, SETTLE_SECONDS = 8.0, 15.0
# Where nothing listens on this machine somebody has to start it.
START_SECONDS = 1.0
# From connecting to the last byte, besides what Event Grid waits for an event: longer
# than a slow answer takes, short of what a drain may be late.
ANSWER_SECONDS = 8.0


class _Result(msgspec.Struct, rename="camel"):
    succeeded_lock_tokens: frozenset[str] | None = None
    failed_lock_tokens: list["_Failed"] | None = None


class _Failed(msgspec.Struct, rename="camel"):
    lock_token: str
    error: Error | None = None


# A request's id is a GUID: the part that is this process's own, and a number.
_PROCESS, _numbers = str(uuid.uuid4())[:24], itertools.count()
_results = msgspec.json.Decoder(_Result)


class Namespace:
    """One client and one pool of connections, for all topics and event subscriptions.

    It lasts as long as the process. `names` are the settings that messages name;
    `closes_credential` says that nobody else uses the credential.
    """

    def __init__(
        self,
        endpoint: str,
        credential: Credential,
        names: SettingNames | None = None,
        *,
        closes_credential: bool = False,
    ) -> None:
        self._credential = credential if closes_credential else None
        self._endpoint = endpoint.rstrip("/")
        self._names = names or SettingNames()
        # Its topic is in the address of each request, so any name does here.
        self._client = EventGridPublisherClient(
            endpoint, credential, namespace_topic="-", **_pipeline(credential)
        )

    def topic(self, name: str) -> "Topic":
        """Return a topic to publish to."""
        return Topic(self, f"{self._endpoint}/topics/{quote(name, safe='')}")

    def subscription(self, topic: str, name: str, decode: Decode) -> "Subscription":
        """Return an event subscription to pull from.

        `decode` makes an event of its bytes and delivery count; it never raises.
        """
        address = f"{self._endpoint}/topics/{quote(topic, safe='')}"
        return Subscription(self, f"{address}/eventsubscriptions/{name}", decode)

    async def post(
        self,
        url: str,
        params: Mapping[str, str | int],
        body: bytes = b"",
        content_type: str = "application/json",
        wait: int = 0,
    ) -> bytes:
        """Return the body of a 200; raise EventGridError for anything else.

        `wait` is how long Event Grid may take over it before it answers.
        """
        query = "".join(f"&{name}={value}" for name, value in params.items())
        request_id = f"{_PROCESS}{next(_numbers):012x}"
        headers = {"Content-Type": content_type, REQUEST_ID: request_id}
        request = Post(f"{url}?api-version={API_VERSION}{query}", headers, body)
        on_sending.get()(None)
        try:
            response = await self._client.send_request(
                request, within=wait + ANSWER_SECONDS
            )
            content = await response.read()
        except AzureError as error:
            raise error_messages.explain_silence(error, self._names) from error
        if response.status_code != 200:
            raise error_messages.explain_refusal(response, content, self._names)
        return content

    async def close(self) -> None:
        """Close the connections; a later request opens new ones."""
        await self._client.close()
        if isinstance(self._credential, AsyncTokenCredential):
            await self._credential.close()


def _pipeline(credential: Credential) -> dict[str, Any]:
    """Return what a client is made with: the SDK's policies that a request here needs.

    Not those for redirects, proxies, decoding and logging bodies, which would see
    nothing to do on every request, nor the SDK's retries (see `http_retry.py`). Whether
    requests are traced is asked once, because the SDK's own asking costs 11 µs.
    """
    agent = policies.UserAgentPolicy(sdk_moniker=f"eventgrid/{sdk_version}")
    always = {"User-Agent": agent.user_agent, "Accept": "application/json"}
    steps: list[policies.SansIOHTTPPolicy[Any, Any]] = [policies.HeadersPolicy(always)]
    if sdk_settings.tracing_enabled():
        steps.append(policies.DistributedTracingPolicy())
    if isinstance(credential, AzureKeyCredential):
        key = policies.AzureKeyCredentialPolicy(
            credential, "Authorization", prefix="SharedAccessKey"
        )
        chain: list[object] = [InOneStep([key, *steps])]
    else:
        token = policies.AsyncBearerTokenCredentialPolicy(credential, SCOPE)
        chain = [token, InOneStep(steps)]
    return {"transport": LeanTransport(), "policies": chain}


class Topic:
    """A namespace topic to publish to."""

    def __init__(self, namespace: Namespace, url: str) -> None:
        self._namespace, self._url = namespace, f"{url}:publish"

    async def publish(self, batch: Sequence[bytes]) -> None:
        """Publish events, each encoded as JSON, in one request; all of them or none.

        At most 1,000 events and 1 MB. Raises EventGridError.
        """
        body = b"[" + b",".join(batch) + b"]"
        await retry(
            lambda: self._namespace.post(self._url, {}, body, BATCH_TYPE),
            within=PUBLISH_SECONDS,
            refused_within=START_SECONDS,
        )


class Subscription:
    """One event subscription to pull from."""

    def __init__(self, namespace: Namespace, url: str, decode: Decode) -> None:
        self._namespace, self._url, self._decode = namespace, url, decode

    async def receive(
        self, max_events: int, max_wait: int, *, within: float
    ) -> list[Delivery]:
        """Return up to 1..100 deliveries; waits up to 10..120 seconds for the first one.

        Tried again while that can end `within` so many seconds: a receive whose answer
        was lost costs only lock time. What cannot be read is delivered as
        MalformedEvent, with its lock token. Raises EventGridError.
        """
        params = {"maxEvents": max_events, "maxWaitTime": max_wait}
        url = f"{self._url}:receive"
        content = await retry(
            lambda: self._namespace.post(url, params, wait=max_wait),
            within=within - max_wait,
        )
        return receive_response.deliveries(content, self._decode)

    async def acknowledge(self, tokens: Sequence[str]) -> Settled:
        """Acknowledge these. Raises EventGridError; reads the failed tokens."""
        return await self._settle(Verb.ACKNOWLEDGE, tokens, {})

    async def release(self, tokens: Sequence[str], delay: ReleaseDelay) -> Settled:
        """Give these back, to be delivered again after the delay."""
        return await self._settle(
            Verb.RELEASE, tokens, {"releaseDelayInSeconds": int(delay)}
        )

    async def reject(self, tokens: Sequence[str]) -> Settled:
        """Have these dead-lettered."""
        return await self._settle(Verb.REJECT, tokens, {})

    async def renew(self, tokens: Sequence[str]) -> Settled:
        """Keep these for another lock duration, within an hour of their receive."""
        return await self._settle("renewLock", tokens, {})

    async def probe(self) -> None:
        """See that it is reachable, authorised and there; nothing is received.

        Acknowledges a bogus lock token, which Event Grid answers with `BadToken`. Not
        tried again: whoever asks wants to know how it is now. Raises EventGridError.
        """
        await self._settle(Verb.ACKNOWLEDGE, [BOGUS_TOKEN], {}, within=0)

    async def _settle(
        self,
        verb: str,
        tokens: Sequence[str],
        params: Mapping[str, str | int],
        within: float = SETTLE_SECONDS,
    ) -> Settled:
        body = msgspec.json.encode({"lockTokens": tokens})
        url = f"{self._url}:{verb}"
        content = await retry(
            lambda: self._namespace.post(url, params, body), within=within
        )
        try:
            result = _results.decode(content)
        except UNREADABLE as error:
            message = f"Event Grid's answer to {verb} is not readable: {error}"
            raise EventGridError(message) from error
        return Settled(
            result.succeeded_lock_tokens or frozenset(),
            {
                failed.lock_token: (failed.error or Error()).code
                for failed in result.failed_lock_tokens or ()
            },
        )

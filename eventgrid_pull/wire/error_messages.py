"""Messages about requests that Event Grid refused or did not answer: what to look at."""

import re

import msgspec
from azure.core.exceptions import (
    AzureError,
    ClientAuthenticationError,
    ServiceRequestError,
    ServiceResponseError,
)
from azure.core.rest import AsyncHttpResponse

from eventgrid_pull.event import UNREADABLE
from eventgrid_pull.settings import addresses
from eventgrid_pull.wire.http_retry import EventGridError


class SettingNames(msgspec.Struct, frozen=True):
    """What messages call the endpoint, the key and the topic: settings, if they are such."""

    endpoint: str = "the endpoint"
    key: str = "the key"
    topic: str = "the topic's name"


class Error(msgspec.Struct):
    """An error as Event Grid spells it."""

    code: str = "Unknown"
    message: str = ""


class _Refusal(msgspec.Struct):
    error: Error


_refusals = msgspec.json.Decoder(_Refusal)


def explain_silence(error: AzureError, names: SettingNames) -> EventGridError:
    """Return what to raise for a request without an answer."""
    if isinstance(error, ClientAuthenticationError):
        return EventGridError(
            "no token for Event Grid: sign in (az login), give the app an identity, "
            f"or set {names.key}"
        )
    if isinstance(error, ServiceRequestError | ServiceResponseError):
        # The name tells a refused connection, DNS, a certificate and a timeout apart.
        cause = type(error.inner_exception or error).__name__
        here = addresses.explain_refused(error.inner_exception)
        advice = f"is {names.endpoint} right, is it up?"
        if here is not None:
            advice = f"{here}; if that runs, {names.endpoint} is wrong"
        message = f"Event Grid does not answer ({cause}): {advice}"
        return EventGridError(message, transient=True, refused_here=here is not None)
    message = f"The request to Event Grid failed: {type(error).__name__}: {error}"
    return EventGridError(message)


def explain_refusal(
    response: AsyncHttpResponse, content: bytes, names: SettingNames
) -> EventGridError:
    """Return what to raise for an answer that is not 200."""
    status = response.status_code
    try:
        error = _refusals.decode(content).error
    except UNREADABLE:
        error = Error("", "")
    answer = f"Event Grid answered {status} {error.code}: {error.message}".rstrip(": ")
    message = f"{answer}. {_advice(status, names)}".strip()
    wait = _seconds(response.headers.get("retry-after", ""))
    return EventGridError(message, status, code=error.code, retry_after=wait)


def _advice(status: int, names: SettingNames) -> str:
    match status:
        case 401:
            return f"Look at {names.key}, or at the identity of the app."
        case 403:
            return (
                "The app's identity needs EventGrid Data Sender on the topic and EventGrid "
                "Data Receiver on its event subscriptions; or a quota is used up."
            )
        case 404:
            return f"Look at {names.topic} and at what is deployed."
        case 429:
            return "The namespace is throttled: wait, or give it more throughput units."
        case _:
            return ""


def _seconds(retry_after: str) -> float | None:
    """Return Retry-After in seconds; a date, or nonsense, is left to our own pauses."""
    return float(retry_after) if re.fullmatch(r"\d{1,6}", retry_after) else None

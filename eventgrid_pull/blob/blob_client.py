"""The connection to Blob Storage, and what its errors mean."""

import base64

from azure.core.credentials_async import AsyncTokenCredential
from azure.core.exceptions import (
    AzureError,
    HttpResponseError,
    ServiceRequestError,
    ServiceResponseError,
)
from azure.core.pipeline.transport import AioHttpTransport
from azure.storage.blob.aio import BlobServiceClient, LinearRetry

from eventgrid_pull.blob.append_log import StoreUnavailable
from eventgrid_pull.settings import addresses


def service(target: str, credential: AsyncTokenCredential | None) -> BlobServiceClient:
    """Return a client for a connection string, or for an account's URL with a credential.

    It gives up soon: whoever waits holds locks that last a minute.
    """
    options = {
        "retry_policy": LinearRetry(backoff=1, retry_total=2, random_jitter_range=1),
        # Of a transport that is given, the client sets no timeouts.
        "transport": AioHttpTransport(
            use_env_settings=False, connection_timeout=5, read_timeout=10
        ),
    }
    if credential is None:
        return BlobServiceClient.from_connection_string(target, **options)
    return BlobServiceClient(target, credential=credential, **options)


def problem_of(connection_string: str) -> str | None:
    """Return what is wrong with a connection string; the client itself is asked."""
    if connection_string[0] in "\"'":
        return "is in quotes: set it without them"
    try:
        client = BlobServiceClient.from_connection_string(connection_string)
        base64.b64decode(getattr(client.credential, "account_key", None) or "")
        address = client.url
    except ValueError:
        address = ""
    if addresses.split(address) is None:
        return (
            "is not a connection string of a storage account: copy it from the account's "
            "access keys, or set UseDevelopmentStorage=true for Azurite"
        )
    return None


def unavailable(container: str, error: AzureError) -> StoreUnavailable:
    """Return what to raise about that container."""
    return StoreUnavailable(f"blob container {container!r}: {_advice(error)}")


def code(error: HttpResponseError) -> str:
    """Return storage's own word for what is wrong; the client adds it to the error."""
    word = getattr(error, "error_code", None) or ""
    return str(getattr(word, "value", word))  # of an enum, where the client knows it


def _advice(error: AzureError) -> str:
    """Return what is wrong and what to do, without what the service says at length."""
    if here := addresses.explain_refused(getattr(error, "inner_exception", None)):
        setting = "AUDIT_STORAGE_CONNECTION_STRING"
        return f"storage does not answer; {here}; if that runs, {setting} is wrong"
    if isinstance(error, ServiceRequestError | ServiceResponseError):
        return (
            "storage does not answer; is it running, and is AUDIT_STORAGE_ACCOUNT_URL "
            "or AUDIT_STORAGE_CONNECTION_STRING right?"
        )
    if isinstance(error, HttpResponseError) and error.status_code in (401, 403):
        return (
            f"storage answered {error.status_code}; the app's identity needs the role "
            "Storage Blob Data Contributor on the container"
        )
    if isinstance(error, HttpResponseError):
        return f"storage answered {error.status_code} {code(error)}".rstrip()
    return f"{type(error).__name__}: {error}"

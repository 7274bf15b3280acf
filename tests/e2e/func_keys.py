"""Access keys of Core Tools' func, which keeps them in its storage."""

import json
from typing import Any

from azure.storage.blob import BlobServiceClient

from console.routes import READER, ROUTES
from tests.e2e.stacks import Stack, until
from tools.stack.settings.local_keys import LocalKeys

CONTAINER = "azure-webjobs-secrets"
READERS_KEY = "a-key-for-readers-of-forty-characters-aa"


def make(stack: Stack) -> LocalKeys:
    """Read the host's own keys, and put the reader's on every reading function."""
    stored = until("func to make its keys", lambda: _stored(stack))
    master = stored["masterKey"]["value"]
    operator = stored["functionKeys"][0]["value"]
    for route in ROUTES:
        if route.role is READER:
            _give(stack, route.function, master)
    return LocalKeys(READERS_KEY, operator, master)


def _stored(stack: Stack) -> Any:
    # It makes them when somebody shows one.
    stack.call("GET", "/api/me", x_functions_key="none")
    with BlobServiceClient.from_connection_string(stack.storage) as service:
        container = service.get_container_client(CONTAINER)
        if not container.exists():
            return None
        names = [b.name for b in container.list_blobs() if b.name.endswith("host.json")]
        return (
            json.loads(container.download_blob(names[0]).readall()) if names else None
        )


def _give(stack: Stack, function: str, master: str) -> None:
    answer = stack.call(
        "PUT",
        f"/admin/functions/{function}/keys/reader",
        json.dumps({"name": "reader", "value": READERS_KEY}).encode(),
        Content_Type="application/json",
        x_functions_key=master,
    )
    assert answer.status in (200, 201), answer.body

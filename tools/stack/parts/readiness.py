"""Asks each part whether it answers; a part that never will is an error."""

import asyncio
import http.client
import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from tools.stack.system.ports import LOOPBACK


class Answer(NamedTuple):
    """What matters of an HTTP answer."""

    status: int
    server: str
    body: bytes


class CannotServe(Exception):
    """It answers, and what it says means that it will not do its work."""


class NotIndexed(CannotServe):
    """The host runs, with no function: the app could not be indexed."""


def storage_answers(port: int) -> bool:
    """Return whether Azurite is there: it refuses unsigned calls with its name."""
    answer = _get(port, "/")
    return answer is not None and answer.server.startswith("Azurite")


def emulator_answers(port: int) -> bool:
    """Return whether the Event Grid emulator is there."""
    answer = _get(port, "/_local/health")
    return answer is not None and answer.status == 200


def host_answers(port: int, key: str | None = None) -> bool:
    """Return whether the host runs the app with a function; raise if it never will.

    `key`: its master key, where it asks for keys.
    """
    status = _json(port, "/admin/host/status", key)
    if not isinstance(status, dict):
        return False
    if status.get("state") == "Error":
        errors = status.get("errors") or ["it does not say why"]
        raise CannotServe(f"cannot start the app: {'; '.join(errors)}")
    if status.get("state") != "Running":
        return False
    functions = _json(port, "/admin/functions", key)
    if functions == []:
        raise NotIndexed("found no function in the app")
    return isinstance(functions, list)


def page_answers(port: int) -> bool:
    """Return whether the app's page is there, where no master key is known."""
    answer = _get(port, "/api/")
    return answer is not None and answer.status == 200


async def responds(port: int, within: float) -> bool:
    """Return whether what listens there answers a request, with any status."""
    try:
        async with asyncio.timeout(within):
            reader, writer = await asyncio.open_connection(LOOPBACK, port)
            try:
                writer.write(
                    b"GET / HTTP/1.1\r\nHost: %b:%d\r\nConnection: close\r\n\r\n"
                    % (LOOPBACK.encode(), port)
                )
                return bool(await reader.read(1))
            finally:
                writer.close()
    except (ConnectionError, TimeoutError):
        return False
    except OSError:  # we have no descriptor left, or no network: not its fault
        return True


def _json(port: int, path: str, key: str | None) -> Any:
    answer = _get(port, path, {"x-functions-key": key} if key else {})
    if answer is None or answer.status != 200:
        return None
    try:
        return json.loads(answer.body)
    except ValueError:
        return None


def _get(
    port: int, path: str, headers: Mapping[str, str] | None = None
) -> Answer | None:
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=5)
    try:
        connection.request("GET", path, headers=dict(headers or {}))
        answer = connection.getresponse()
        server = answer.getheader("Server", "")
        return Answer(answer.status, server, answer.read())
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()

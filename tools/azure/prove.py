"""The proof that dead letters arrive: a probe, rejected by the app, and waited for.

It goes through the app's own API, which is public, because a private network shuts a
laptop out of the namespace and the storage.
"""

import json
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

from tools.azure import az
from tools.azure.az import Refused
from tools.azure.checks import sign_in
from tools.azure.collect import WEB
from tools.azure.deployment import Deployment, Json, dig
from tools.terminal import CannotGoOn, say

ANSWER_SECONDS = 120  # inspecting takes 30, a cold start some more
LOOK_AGAIN_SECONDS = 5.0
HERE = ("localhost", "127.0.0.1", "::1")


class Unproven(CannotGoOn):
    """Nothing was proven, either way; the text says why, `do` what to do."""

    def __init__(self, problem: str, do: str) -> None:
        super().__init__(problem)
        self.do = do


@dataclass(frozen=True, slots=True)
class Api:
    """The app over HTTP: where it is, and the headers that let us in."""

    address: str
    headers: Mapping[str, str]

    def call(self, method: str, path: str) -> Any:
        """Return the JSON of an answer, or raise Unproven with what the app says."""
        request = urllib.request.Request(  # noqa: S310 - the scheme is `of`'s to check
            f"{self.address}/api/{path}", method=method, headers=dict(self.headers)
        )
        try:
            with urllib.request.urlopen(request, timeout=ANSWER_SECONDS) as answer:  # noqa: S310
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise _refusal(f"{method} /api/{path}", error) from error
        except (OSError, ValueError) as error:
            problem = f"{method} {self.address}/api/{path} has no answer: {error}"
            raise Unproven(
                problem, "see whether the app runs, then ask again"
            ) from error


def _refusal(call: str, error: urllib.error.HTTPError) -> Unproven:
    """Return what a problem of RFC 9457 says; the host's own answers have no body."""
    try:
        problem = json.loads(error.read())
    except (OSError, ValueError):
        problem = {}
    detail = (
        dig(problem, "detail") or dig(problem, "title") or "without a word of the app"
    )
    do = dig(problem, "next") or "see whether the app runs and the key is an operator's"
    return Unproven(f"{call} answers {error.code}: {detail}", str(do))


def of(found: Deployment, address: str | None) -> Api:
    """Return the way into the app, with a key or, where people sign in, with a token."""
    host = dig(found.site, "properties", "defaultHostName")
    if found.site is None or not (address or host):
        raise Unproven("there is no function app to ask", "deploy first")
    where = (address or f"https://{host}").rstrip("/")
    parts = urlsplit(where)
    if parts.scheme != "https" and parts.hostname not in HERE:
        raise Unproven(f"{where} would get the key in the clear", "give it as https://")
    if sign_in.is_on(found):
        return Api(
            where, {"Authorization": f"Bearer {_token(sign_in.client_id(found))}"}
        )
    return Api(where, {"x-functions-key": _key(found.site)})


def _key(site: Json) -> str:
    try:
        keys = az.rest(f"{site['id']}/host/default/listkeys", WEB, method="post")
    except Refused as error:
        do = "ask for Website Contributor on the app, or reject a probe on its page"
        raise Unproven(f"the app's keys may not be read: {error}", do) from error
    functions = keys.get("functionKeys") or {}
    return str(functions.get("operator") or functions.get("default") or "")


def _token(client: str) -> str:
    scope = f"api://{client}/.default"
    command = ["az", "account", "get-access-token", "--scope", scope]
    try:
        return str(az.answer(command)["accessToken"])
    except Refused as error:
        raise Unproven(
            f"az gets no token for the app: {error}",
            "authorise the Azure CLI (04b07795-8ddb-461a-bbee-02f9e1bf7b46) in the app "
            "registration, under Expose an API; or reject a probe on the page",
        ) from error


def prove(found: Deployment, address: str | None, seconds: float) -> Json:
    """Return what was proven: `after`, in seconds; or `problem`, `do` and `level`."""
    try:
        api = of(found, address)
        probe = _reject_probe(api)
    except Unproven as error:
        return {"problem": str(error), "do": error.do, "level": "unknown"}
    began = time.monotonic()
    named = f"{probe['id']} on {probe['subscription']}"
    say(f"Rejected the probe {named}; waiting for its dead letter ...")
    try:
        while time.monotonic() - began < seconds:
            if _has_arrived(api, probe):
                return {"after": round(time.monotonic() - began)}
            time.sleep(LOOK_AGAIN_SECONDS)  # noqa: TID251 - another system's doing
    except Unproven as error:
        return {"problem": str(error), "do": error.do, "level": "unknown"}
    return {
        "problem": f"the probe {named} was rejected, and after {seconds:.0f} s there is no "
        "dead letter of it",
        "do": "look at the groups Event subscriptions, Storage and Roles; then at the "
        "metric DroppedEventCount of the namespace, and prove again with a longer --wait",
        "level": "broken",
    }


def _reject_probe(api: Api) -> Json:
    """Have the app publish a probe and reject it; return what identifies it."""
    answer = api.call("POST", "inspect")
    event = answer["event"]
    if not answer.get("rejected"):
        do = "look at the page, Entries; then prove again"
        raise Unproven(f"the probe was not rejected: {answer.get('reason')}", do)
    return {
        "id": event["id"],
        "source": event["source"],
        "day": str(event["time"])[:10],
        "subscription": answer["subscription"],
    }


def _has_arrived(api: Api, probe: Json) -> bool:
    """Return whether it is a newest dead letter of today, or of the probe's day."""
    today = _dead_letters(api, probe)
    found = today["deadLetters"]
    if today["day"] != probe["day"]:
        found = [*found, *_dead_letters(api, probe, day=probe["day"])["deadLetters"]]
    return any(_is(dead_letter, probe) for dead_letter in found)


def _dead_letters(api: Api, probe: Json, **day: str) -> Json:
    query = {"subscription": probe["subscription"], "limit": "200", **day}
    answer: Json = api.call("GET", f"deadletters?{urlencode(query)}")
    return answer


def _is(found: Json, probe: Json) -> bool:
    """Return whether it is the event, by source and id as far as the app says both."""
    source = found.get("source", probe["source"])
    return (found["id"], source) == (probe["id"], probe["source"])

"""Answers as `az` does, from a deployment that was saved: argv in, JSON out."""

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

SAVED = json.loads(Path(os.environ["FAKE_AZ_ANSWERS"]).read_text("utf-8"))
LATE = os.environ.get("FAKE_AZ_LATE", "")
MOOD = os.environ.get("FAKE_AZ_MOOD", "")


def main(arguments: list[str]) -> int:
    """0 with an answer, 1 with a refusal of the words that `az` uses."""
    if MOOD == "signed out":
        sys.stderr.write("ERROR: Please run 'az login' to setup account.\n")
        return 1
    if MOOD == "silent":
        time.sleep(5)  # noqa: TID251  # longer than the caller waits; it is ended by then
    if arguments[:2] == ["account", "show"]:
        return show(SAVED["account"])
    if arguments[:2] == ["account", "get-access-token"]:
        return show({"accessToken": f"token for {arguments[-1]}"})
    given = dict(zip(arguments[1::2], arguments[2::2], strict=False))
    if MOOD and MOOD in given["--url"]:
        sys.stderr.write('ERROR: Forbidden({"error":{"code":"AuthorizationFailed"}})\n')
        return 1
    if "--body" in given:
        body = Path(given["--body"].removeprefix("@")).read_text("utf-8")
        query = json.loads(body)["query"]
        assert "func-moderation-dev" in query
        return show(SAVED["drains"] if "AppRequests" in query else logged())
    asked = arguments[arguments.index("--uri-parameters") + 1 :]
    parameters = dict(pair.split("=", 1) for pair in asked)
    assert "api-version" in parameters
    return show(resource(given["--url"], int(parameters.get("$skip", 0))))


def show(answer: Any) -> int:
    """Print the answer."""
    sys.stdout.write(json.dumps(answer))
    return 0


def logged() -> Any:
    """What the host logged last, in a table."""
    rows = [[SAVED["logged"]]] if "logged" in SAVED else []
    return {"tables": [{"columns": [{"name": "Said"}], "rows": rows}]}


def resource(path: str, skip: int) -> Any:
    """What Azure Resource Manager has at the path; lists in pages of two."""
    lists = {
        "resources": "resources",
        "topics": "topics",
        "eventSubscriptions": "event_subscriptions",
        "functions": "functions",
        "roleAssignments": "role_assignments",
    }
    last = path.rpartition("/")[2]
    if last == "functions" and LATE and not Path(LATE).exists():
        Path(LATE).touch()
        return {"value": SAVED["functions"][:1]}
    if last in lists:
        return page(SAVED[lists[last]], path, skip)
    if last == "containers":
        return page(SAVED["containers"][path.split("/")[-4]], path, skip)
    if path.endswith("/config/appsettings/list"):
        secret = {"EVENTGRID_KEY": "c2VjcmV0"}
        return {"properties": SAVED["settings"] | secret}
    if path.endswith("/host/default/listkeys"):
        return {"masterKey": "never", "functionKeys": SAVED.get("keys", {})}
    if last == "authsettingsV2":
        return SAVED["auth"]
    if "/workspaces/" in path:
        return {"properties": {"customerId": "77777777-7777-7777-7777-777777777777"}}
    known = [SAVED["namespace"], SAVED["site"], *SAVED["storage_accounts"]]
    return next(resource for resource in known if resource["id"] == path)


def page(members: list[Any], path: str, skip: int) -> Any:
    """Two members, and the link to the next page as long as there is one."""
    answer = {"value": members[skip : skip + 2]}
    more = (
        {"nextLink": f"{path}?api-version=1&%24skip={skip + 2}"}
        if len(members) > skip + 2
        else {}
    )
    return answer | more


if __name__ == "__main__":
    assert sys.argv[-2:] == ["--output", "json"]
    sys.exit(main(sys.argv[1:-2]))

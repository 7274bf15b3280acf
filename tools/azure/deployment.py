"""A deployment as `az` described it: each member is what Azure answered, unchanged."""

import json
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from moderation import timers, topology
from moderation.runtime import handled
from moderation.timers import Timer
from tools.terminal import CannotGoOn

Json = dict[str, Any]
HIDDEN = "(set)"  # stands for the value of a secret setting


@dataclass(frozen=True)
class Deployment:
    """What was found in one resource group, and `asked_at`, an aware time.

    `settings` has the values only of settings that are compared with something.
    `failure` is what the app logged last when it shows no function, `proof` what came of
    a probe. `unanswered` has the reason for each part that Azure did not answer about.
    """

    asked_at: str
    account: Json
    group: str
    resources: list[Json] = field(default_factory=list)
    namespace: Json | None = None
    topics: list[Json] = field(default_factory=list)
    event_subscriptions: list[Json] = field(default_factory=list)
    site: Json | None = None
    settings: dict[str, str] = field(default_factory=dict)
    functions: list[Json] = field(default_factory=list)
    role_assignments: list[Json] = field(default_factory=list)
    storage_accounts: list[Json] = field(default_factory=list)
    containers: dict[str, list[Json]] = field(default_factory=dict)
    drains: Json | None = None
    auth: Json | None = None
    failure: str = ""
    proof: Json | None = None
    unanswered: dict[str, str] = field(default_factory=dict)

    @property
    def now(self) -> datetime:
        """Return when Azure was asked."""
        return datetime.fromisoformat(self.asked_at)

    @property
    def app(self) -> str:
        """Return the function app's name, or a placeholder for a command."""
        return str(self.site["name"]) if self.site else "<app>"

    def timers(self) -> list[Timer]:
        """Return what should drain the event subscriptions, by the settings found."""
        return timers.of(topology.load().names, self.settings, handled())

    def was_answered(self, *parts: str) -> bool:
        """Return whether Azure answered about all of these parts."""
        return not self.unanswered.keys() & set(parts)

    def save(self, file: Path) -> None:
        """Write it where `load` finds it."""
        file.write_text(json.dumps(asdict(self), indent=2) + "\n", encoding="utf-8")


def load(file: Path) -> Deployment:
    """Return a deployment that was saved; CannotGoOn when the file holds none."""
    try:
        return Deployment(**json.loads(file.read_text(encoding="utf-8-sig")))
    except (OSError, ValueError, TypeError) as error:
        raise CannotGoOn(
            f"{file} holds no deployment ({error}): make it with `dev.py status --save`."
        ) from error


def declared() -> Json:
    """Return the topology of the app, with every default. Raises TopologyInvalid."""
    content: Json = msgspec.to_builtins(topology.load())
    return content


def dig(content: Any, *path: str) -> Any:
    """Return the value at the end of the path, or nothing where the path ends early."""
    for name in path:
        if not isinstance(content, dict):
            return None
        content = content.get(name)
    return content


def state(resource: Json) -> str:
    """Return the provisioning state, wherever that kind of resource has it."""
    return str(
        dig(resource, "properties", "provisioningState")
        or resource.get("provisioningState")
        or "Succeeded"
    )

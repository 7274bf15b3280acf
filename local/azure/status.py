"""`python3 dev.py status`: how a deployment is, and what to do about each thing."""

import argparse
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from local.azure import collecting, deployment
from local.azure.deployment import Deployment
from local.azure.examining import examine
from local.azure.findings import Finding, Level
from local.terminal import CannotGoOn, say

WELL, UNWELL, CANNOT_ASK = 0, 1, 3


def main(arguments: Sequence[str] | None = None) -> int:
    """0 when all is well, 1 with findings, 3 when Azure cannot be asked."""
    given = _options().parse_args(arguments)
    now = datetime.now(UTC)  # noqa: TID251 - the edge that owns the clock
    try:
        if given.json:
            found = deployment.load(given.json)
        else:
            found = collecting.collect(given.resource_group, given.app, now)
    except CannotGoOn as error:
        say(f"dev.py status: {error}")
        return CANNOT_ASK
    if given.save:
        found.save(given.save)
    return tell(found, examine(found))


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="dev.py status",
        description="Check a deployment in Azure with az: provisioning, roles, event "
        "subscriptions against moderation/topology.json, settings, last drains. It only "
        "reads. Exit code 0: well; 1: something to do; 3: Azure cannot be asked.",
    )
    parser.add_argument(
        "--resource-group", metavar="RG", help="default: AZURE_RESOURCE_GROUP of azd"
    )
    parser.add_argument(
        "--app", metavar="NAME", help="the function app, where the group has several"
    )
    parser.add_argument(
        "--json",
        type=Path,
        metavar="FILE",
        help="examine what --save wrote instead of asking Azure",
    )
    parser.add_argument(
        "--save",
        type=Path,
        metavar="FILE",
        help="write what Azure answered, without the values of secret settings",
    )
    return parser


def tell(found: Deployment, examined: Mapping[str, Sequence[Finding]]) -> int:
    """Say all that was found; 0 when nobody has to do anything."""
    say(f"{found.group}, asked at {found.now:%Y-%m-%d %H:%M} UTC")
    for title, findings in examined.items():
        say(f"{title}: {'well' if not findings else ''}".rstrip())
        for one in findings:
            say(f"  {one.level:<8}{one.where} {one.problem}\n          {one.do}")
    every = [one for findings in examined.values() for one in findings]
    counts = {level: sum(one.level == level for one in every) for level in Level}
    if not every:
        say("Everything is as it was deployed.")
    else:
        said = (f"{count} {level}" for level, count in counts.items() if count)
        say(f"To do: {', '.join(said)}.")
    return UNWELL if counts[Level.BROKEN] or counts[Level.UNKNOWN] else WELL


if __name__ == "__main__":
    sys.exit(main())

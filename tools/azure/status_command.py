"""`python3 dev.py status`: how a deployment is, and what to do about each thing."""

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path

from moderation import topology
from moderation.topology import TopologyInvalid
from tools.azure import collect, deployment, prove
from tools.azure.deployment import Deployment
from tools.azure.examine import FUNCTIONS, Examined, examine
from tools.azure.finding import Level
from tools.terminal import CannotGoOn, exit_code, say

WELL, UNWELL, CANNOT_ASK = 0, 1, 3
PROOF_MINUTES = 10  # Event Grid takes its time over dead letters
ARRIVAL_MINUTES = 5
ASK_AGAIN_SECONDS = 10.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Return 0 when all is well, 1 with findings, 3 when Azure cannot be asked."""
    given = _options().parse_args(arguments)
    try:
        topology.load()  # what a deployment is compared with
        if given.functions:
            return wait_for_functions(given)
        found = _deployment(given)
    except TopologyInvalid as error:
        say(f"dev.py status: {error}")
        return UNWELL
    except CannotGoOn as error:
        say(f"dev.py status: {error}")
        return CANNOT_ASK
    if given.save:
        found.save(given.save)
    return report(found, examine(found))


def _deployment(given: argparse.Namespace) -> Deployment:
    """Return the saved deployment, or what Azure shows, with a proof if wanted."""
    if given.json:
        return deployment.load(given.json)
    now = datetime.now(UTC)  # noqa: TID251 - the edge that owns the clock
    found = collect.collect(given.resource_group, given.app, now)
    if not given.prove:
        return found
    minutes = PROOF_MINUTES if given.wait is None else given.wait
    return replace(found, proof=prove.prove(found, given.at, minutes * 60))


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="dev.py status",
        description="Check a deployment in Azure with az: provisioning, roles, event "
        "subscriptions against moderation/topology.json, settings, last drains. Without "
        "--prove it only reads. Exit code 0: well; 1: something to do; 3: Azure cannot be asked.",
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
    parser.add_argument(
        "--functions",
        action="store_true",
        help="after a deployment of the code: wait until every function is there, and "
        "look at nothing else",
    )
    parser.add_argument(
        "--prove",
        action="store_true",
        help="have the app reject a probe, and wait until its dead letter is there; the "
        "dead letter stays",
    )
    parser.add_argument(
        "--at",
        metavar="URL",
        help="with --prove: the app's address, if not its own in Azure",
    )
    parser.add_argument(
        "--wait",
        type=float,
        metavar="MINUTES",
        help=f"how long; default {PROOF_MINUTES} with --prove, {ARRIVAL_MINUTES} with "
        "--functions",
    )
    return parser


def wait_for_functions(given: argparse.Namespace) -> int:
    """Ask until every function is there, or until there was time enough for that."""
    minutes = ARRIVAL_MINUTES if given.wait is None else given.wait
    ends = time.monotonic() + minutes * 60
    while True:
        now = datetime.now(UTC)  # noqa: TID251 - the edge that owns the clock
        found = collect.collect(given.resource_group, given.app, now, only_code=True)
        examined = examine(found, [FUNCTIONS])
        if not any(group.findings for group in examined):
            say(f"{found.app} has its {len(found.functions)} functions.")
            return WELL
        if time.monotonic() >= ends:
            report(found, examined)
            return UNWELL
        time.sleep(ASK_AGAIN_SECONDS)  # noqa: TID251 - Azure can only be asked again


def report(found: Deployment, examined: Sequence[Examined]) -> int:
    """Say all that was found; 0 when nobody has to do anything."""
    say(f"{found.group}, asked at {found.now:%Y-%m-%d %H:%M} UTC")
    for group in examined:
        well = "well" if group.complete else "well, as far as it could be looked at"
        say(f"{group.title}: {'' if group.findings else well}".rstrip())
        # What has the same remedy is listed above it.
        for do, findings in groupby(group.findings, key=lambda finding: finding.do):
            for finding in findings:
                say(f"  {finding.level:<8}{finding.where} {finding.problem}")
            say(f"          {do}")
    every = [finding for group in examined for finding in group.findings]
    if found.proof and "after" in found.proof:
        say(f"Proven: the dead letter of a probe came after {found.proof['after']} s.")
    counts = {
        level: sum(finding.level == level for finding in every) for level in Level
    }
    if not every:
        say("Everything is as it was deployed.")
    else:
        texts = (f"{count} {level}" for level, count in counts.items() if count)
        say(f"To do: {', '.join(texts)}.")
    return UNWELL if counts[Level.BROKEN] or counts[Level.UNKNOWN] else WELL


if __name__ == "__main__":
    sys.exit(exit_code(main))

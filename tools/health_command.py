"""`python -m tools.health_command`: the doctor, for a terminal and for CI."""

import asyncio
import os
import sys

from console.endpoints.app import health
from eventgrid_pull.blob.append_log import StoreUnavailable
from eventgrid_pull.wire.http_retry import EventGridError
from moderation import topology
from moderation.checks import config_check
from moderation.checks.config_check import Finding
from moderation.pulling import pull
from moderation.runtime import Runtime, build, handled
from moderation.settings import Settings, SettingsInvalid
from moderation.storage import logs
from moderation.topology import TopologyInvalid

WELL, UNWELL = 0, 1


async def main() -> int:
    """Return 0 when everything agrees, 1 with a line for each thing that does not."""
    try:
        declared = topology.load()
        settings = Settings.from_environ(os.environ, topic=declared.topic)
    except (SettingsInvalid, TopologyInvalid) as error:
        is_setting = isinstance(error, SettingsInvalid)
        change = "the setting" if is_setting else "the file"
        return _print_findings(
            [Finding(wrong.path, wrong.problem, change) for wrong in error.problems]
        )
    found = config_check.examine(settings, os.environ, declared, handled())
    runtime = build(settings, declared, logs.of(settings), pull.consumer)
    try:
        found += await _namespace(runtime)
        found += await _measured(runtime)
    finally:
        await runtime.close()
    return _print_findings(found)


async def _namespace(runtime: Runtime) -> list[Finding]:
    """Return event subscriptions of the topology that the namespace lacks."""
    found = []
    for name in runtime.topology.names:
        try:
            await runtime.subscription(name).probe()
        except EventGridError as error:
            found.append(Finding(name, str(error), "the setting or role that it names"))
    return found


async def _measured(runtime: Runtime) -> list[Finding]:
    """Return locks that were too short for what the app has measured."""
    try:
        return await health.measured_findings(runtime)
    except StoreUnavailable as error:
        return [
            Finding("audit storage:", str(error), "the setting or role that it names")
        ]


def _print_findings(findings: list[Finding]) -> int:
    for finding in findings:
        sys.stdout.write(
            f"{finding.where} {finding.problem}\n    change {finding.change}\n"
        )
    if not findings:
        sys.stdout.write("Settings, topology, host.json and namespace agree.\n")
    return UNWELL if findings else WELL


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))

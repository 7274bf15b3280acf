"""`python -m tools.bench`: measure, print a table of ratios, and write JSON when asked to."""

import argparse
import asyncio
import json
import sys
from collections.abc import Callable, Coroutine
from dataclasses import replace
from pathlib import Path
from typing import Any

from tools.bench.benches import (
    coldstart,
    console,
    consume,
    drain,
    emulator,
    lanes,
    latency,
    memory,
    post,
    publish,
    stay,
)
from tools.bench.cost import rows as cost
from tools.bench.report import Report, document, table
from tools.bench.sizes import FULL, QUICK, Size
from tools.terminal import CannotGoOn, say

type Bench = Callable[[Size], Coroutine[Any, Any, Report]]

BENCHES: dict[str, Bench] = {
    "consume": consume.run,
    "publish": publish.run,
    "post": post.run,
    "drain": drain.run,
    "latency": latency.run,
    "stay": stay.run,
    "cost": cost.run,
    "memory": memory.run,
    "coldstart": coldstart.run,
    "emulator": emulator.run,
    "lanes": lanes.run,
    "console": console.run,
}

EARLIER = {"broker": "emulator"}  # the name of a bench before it had this one


def main(arguments: list[str]) -> int:
    """Print what was measured; 1 when it cannot be measured, or was not exact."""
    given = _parser().parse_args(arguments)
    names = [given.name] if given.name else list(BENCHES)
    reports: dict[str, Report] = {}
    for name in names:
        say(f"{name} ...", end=" ")
        try:
            reports[name] = asyncio.run(BENCHES[name](_size(given)))
        except CannotGoOn as error:
            say(f"\nbench {name}: {error}")
            return 1
    say("\n")
    for line in table(row for report in reports.values() for row in report.rows):
        say(line)
    if given.json is not None:
        text = json.dumps(document(reports, given.quick), indent=1, ensure_ascii=False)
        given.json.write_text(text, encoding="utf-8")
    return 0


def _size(given: argparse.Namespace) -> Size:
    if given.quick:
        return QUICK
    return replace(FULL, stay_seconds=300.0) if given.long else FULL


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="dev.py bench",
        description="Measure the app against the SDK, in turns on one emulator, and "
        "print ratios. Without a name all benches run, one after the other; "
        "docs/benchmarks.md says what each measures.",
    )
    parser.add_argument(
        "name",
        nargs="?",
        type=lambda name: EARLIER.get(name, name),
        choices=BENCHES,
        help="one bench only",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write it here, too")
    parser.add_argument("--quick", action="store_true", help="less of everything")
    parser.add_argument(
        "--long", action="store_true", help="watch timers that stay for five minutes"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

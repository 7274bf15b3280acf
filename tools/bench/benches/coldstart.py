"""How long a fresh interpreter takes until the app's functions are known."""

import json
import subprocess
import sys
from typing import Any

from tools.bench.report import Report, compared
from tools.bench.sizes import Size
from tools.terminal import ROOT

OURS = "import function_app; function_app.app.get_functions()"
THEIRS = "import azure.functions, azure.eventgrid.aio, aiohttp"
LATER = ("azure.identity", "azure.storage")
PROGRAM = """\
import json, sys, time
wall, cpu = time.perf_counter(), time.process_time()
{what}
took = [time.perf_counter() - wall, time.process_time() - cpu]
print(json.dumps([*took, sorted(sys.modules)]))
"""


async def run(size: Size) -> Report:
    """Import and index, against importing what no such app can do without."""
    took: dict[str, list[dict[str, Any]]] = {OURS: [], THEIRS: []}
    for _ in range(size.starts + 1):
        for what, starts in took.items():
            starts.append(_start(what))
    ours, theirs = took[OURS][1:], took[THEIRS][1:]
    row = compared(
        *(
            "coldstart",
            "import function_app and index",
            [start["cpu"] for start in ours],
            "ms",
        ),
        against=THEIRS,
        theirs=[start["cpu"] for start in theirs],
        target=1.2,
    )
    return Report([row], {"ours": ours, "theirs": theirs})


def _start(what: str) -> dict[str, Any]:
    """Return milliseconds that it took, without those of the interpreter itself."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(what=what)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    wall, cpu, modules = json.loads(done.stdout)
    early = [module for module in modules if what == OURS and module.startswith(LATER)]
    if early:
        raise SystemExit(f"imported before it is used: {', '.join(early[:3])}")
    return {"wall": wall * 1000, "cpu": cpu * 1000}

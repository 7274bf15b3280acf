"""How long a fresh interpreter takes until the app's functions are known."""

import json
import subprocess
import sys

from tools.bench.report import Report, compare
from tools.bench.sizes import Size
from tools.terminal import ROOT

OURS = "import function_app; function_app.app.get_functions()"
THEIRS = "import azure.functions, azure.eventgrid.aio, aiohttp"
LATER = ("azure.identity", "azure.storage")
PROGRAM = """\
import json, sys, time
began = time.process_time()
{what}
print(json.dumps([time.process_time() - began, sorted(sys.modules)]))
"""


async def run(size: Size) -> Report:
    """Import and index, against importing what no such app can do without."""
    took: dict[str, list[float]] = {OURS: [], THEIRS: []}
    for _ in range(size.starts + 1):
        for what, starts in took.items():
            starts.append(_start(what))
    ours, theirs = took[OURS][1:], took[THEIRS][1:]
    row = compare(
        *("coldstart", "import function_app and index", ours, "ms"),
        against=THEIRS,
        theirs=theirs,
        target=1.2,
    )
    return Report([row], {"ours": ours, "theirs": theirs})


def _start(what: str) -> float:
    """Return milliseconds of CPU that it took, without those of the interpreter itself."""
    process = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(what=what)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    cpu, modules = json.loads(process.stdout)
    early = [module for module in modules if what == OURS and module.startswith(LATER)]
    if early:
        raise SystemExit(f"imported before it is used: {', '.join(early[:3])}")
    return float(cpu * 1000)

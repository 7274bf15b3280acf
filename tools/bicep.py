"""Microsoft's Bicep compiler, where there is one.

`python -m tools.bicep` says which and what version; `python -m tools.bicep parameters`
rewrites the table of parameters in infra/README.md; `python -m tools.bicep snapshot`
rewrites infra/examples/default.snapshot.json, the plan that is reviewed with a
change. It is not beside main.bicepparam: azd writes a snapshot there, and deletes it.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.terminal import ROOT, CannotGoOn, say

INFRA = ROOT / "infra"
PLANNED = "infra/examples/default.bicepparam"
PLAN = INFRA / "examples" / "default.snapshot.json"
TRIED = "BICEP, PATH, ../shared/tools and az bicep (`az bicep install` brings one)"
TABLE = re.compile(r"(\| parameter \|.*\n\|---.*\n)(?:\|.*(?:\n(?=\|))?)*")
# How the table describes a default that Azure works out.
DEFAULTS = {
    "": "none",
    "[resourceGroup().location]": "the group's",
    "[deployer().objectId]": "the deployer's",
    "[tenant().tenantId]": "the deployment's",
    "[parameters('createRoleAssignments')]": "that of `createRoleAssignments`",
}
# Names that mean nothing: a plan is the same on every machine.
NOWHERE = {
    "subscription-id": "00000000-0000-0000-0000-000000000001",
    "tenant-id": "00000000-0000-0000-0000-000000000002",
    "resource-group": "rg-dev",
    "location": "swedencentral",
}


@dataclass(frozen=True)
class Compiler:
    """The program, and where it was found."""

    program: Path
    found: str

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run the program; what a deployment reads from the environment is unset."""
        return subprocess.run(
            [str(self.program), *arguments],
            cwd=ROOT,
            env=environment(os.environ),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="replace",
            timeout=120,
            check=False,
        )

    def version(self) -> str:
        """Return what it says about itself. Raises CannotGoOn when it does not run."""
        try:
            done = self.run("--version")
        except OSError as error:
            problem = f"{self.program} ({self.found}) does not run: {error}"
            raise CannotGoOn(problem) from error
        return (done.stdout or done.stderr).strip()


def find(environ: Mapping[str, str], beside: Path = ROOT) -> Compiler | None:
    """Return the compiler of BICEP, PATH, ../shared/tools or az, in this order.

    Raises CannotGoOn when BICEP names no program: then another one is not wanted.
    """
    exe = "bicep.exe" if os.name == "nt" else "bicep"
    path = environ.get("PATH", "")
    if named := environ.get("BICEP"):
        if (given := shutil.which(named, path=path)) is None:
            raise CannotGoOn(f"BICEP is {named}, which is not a program")
        return Compiler(Path(given).absolute(), "BICEP")
    if (on_path := shutil.which("bicep", path=path)) is not None:
        return Compiler(Path(on_path).absolute(), "PATH")
    azure = Path(environ.get("AZURE_CONFIG_DIR") or Path.home() / ".azure")
    for program, source in (
        (beside.parent / "shared" / "tools" / exe, "../shared/tools"),
        (azure / "bin" / exe, "az bicep"),
    ):
        if os.access(program, os.X_OK):
            return Compiler(program, source)
    return None


def describe(environ: Mapping[str, str]) -> str:
    """Return one line: which compiler, or that there is none and what that means."""
    compiler = find(environ)
    if compiler is None:
        return f"Bicep: none found in {TRIED}; tests of infra/ are skipped"
    return f"Bicep: {compiler.version()} from {compiler.found}: {compiler.program}"


def environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the environment without what main.bicepparam reads from it."""
    text = (INFRA / "main.bicepparam").read_text(encoding="utf-8")
    read = set(re.findall(r"readEnvironmentVariable\('(\w+)'", text))
    kept = {name: value for name, value in environ.items() if name not in read}
    # The compiler is .NET, which otherwise wants libicu.
    return {**kept, "DOTNET_SYSTEM_GLOBALIZATION_INVARIANT": "1"}


def snapshot(compiler: Compiler, mode: str) -> subprocess.CompletedProcess[str]:
    """Run `bicep snapshot` for the deployment without choices: overwrite or validate."""
    names = [text for name, value in NOWHERE.items() for text in (f"--{name}", value)]
    return compiler.run("snapshot", PLANNED, "--mode", mode, *names)


def main(arguments: list[str]) -> int:
    """Describe the compiler, or rewrite the plan; return 1 if that fails."""
    try:
        say(describe(os.environ))
        compiler = find(os.environ)
    except CannotGoOn as error:
        say(str(error))
        return 1
    if compiler is None:
        return 1
    if arguments == ["parameters"]:
        return document(compiler)
    if arguments != ["snapshot"]:
        return 0
    done = snapshot(compiler, "overwrite")
    if done.returncode == 0:
        sort_outputs(PLAN)
    say((done.stdout + done.stderr).strip() or f"{PLAN.name} is up to date")
    return done.returncode


def document(compiler: Compiler) -> int:
    """Rewrite the table of parameters; return 1 if main.bicep does not compile."""
    done = compiler.run("build", "--stdout", "infra/main.bicep")
    if done.returncode != 0:
        say(done.stderr.strip())
        return 1
    readme = INFRA / "README.md"
    old = readme.read_text(encoding="utf-8")
    rows = "\n".join(table(json.loads(done.stdout)["parameters"]))
    new = TABLE.sub(lambda match: match[1] + rows, old)
    readme.write_text(new, encoding="utf-8", newline="\n")
    say(f"the parameters in {readme.name} are up to date")
    return 0


def table(parameters: Mapping[str, Any]) -> Iterator[str]:
    """Yield a row for each parameter: its variable, its default, and what it is."""
    text = (INFRA / "main.bicepparam").read_text(encoding="utf-8")
    given = dict(re.findall(r"^param (\w+) =((?:.|\n(?!param))*)", text, re.MULTILINE))
    for name, parameter in parameters.items():
        variables = re.findall(r"readEnvironmentVariable\('(\w+)'", given[name])
        default = parameter.get("defaultValue")
        if isinstance(default, str):
            value = DEFAULTS.get(default, f"`{default}`")
        else:
            value = "none" if default is None else f"`{json.dumps(default)}`"
        what = parameter["metadata"]["description"]
        yield f"| `{name}` | `{variables[-1]}` | {value} | {what} |"


def sort_outputs(file: Path) -> None:
    """Put the outputs in order, which the compiler gives in another one each time."""
    plan = json.loads(file.read_text(encoding="utf-8"))
    plan["outputs"] = dict(sorted(plan["outputs"].items()))
    file.write_text(json.dumps(plan, indent=2) + "\n", encoding="utf-8", newline="\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""`python3 dev.py doctor`: the app's own doctor, with the settings of this machine."""

import argparse
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from tools.stack import options
from tools.stack.settings import declared_topology, settings_file
from tools.terminal import ROOT, CannotGoOn, exit_code, say

MODULE = "tools.health_command"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the doctor; return its exit code, or 1 when settings cannot be read."""
    parser = argparse.ArgumentParser(
        prog="dev.py doctor",
        description="Check settings, topology, host.json and namespace against each "
        f"other. Settings are read from {settings_file.FILE}; the environment wins.",
    )
    options.declare_app(parser)
    options.declare_topology(parser)
    given = parser.parse_args(arguments)
    app = given.app.absolute()
    try:
        environment = settings_for(app, os.environ)
        chosen = declared_topology.choose(app, given.topology, environment)
        environment |= chosen.settings
        example = settings_file.read(ROOT / settings_file.EXAMPLE)
        if environment.get(settings_file.TOPIC) == example[settings_file.TOPIC]:
            environment[settings_file.TOPIC] = chosen.topic
    except CannotGoOn as error:
        say(f"dev.py doctor: {error}")
        return 1
    # The app's folder comes first, so that it is its own handlers that are examined.
    environment["PYTHONPATH"] = os.pathsep.join((str(app), str(ROOT)))
    command = [sys.executable, "-m", MODULE]
    return subprocess.run(command, cwd=app, env=environment, check=False).returncode


def settings_for(app: Path, environ: Mapping[str, str]) -> dict[str, str]:
    """Return the settings of the app's file, with the environment over them."""
    file = app / settings_file.FILE
    if not file.exists():
        raise CannotGoOn(
            f"{file} is not there: `python3 dev.py run` makes it, or copy "
            f"{settings_file.EXAMPLE}."
        )
    return {**settings_file.read(file), **environ}


if __name__ == "__main__":
    sys.exit(exit_code(main))

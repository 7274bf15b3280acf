"""A wheel of ours in an environment where nothing of the repository is in reach."""

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from tools.distribution import DISTRIBUTIONS, build
from tools.terminal import CannotGoOn

BIN = "Scripts" if os.name == "nt" else "bin"
OURS = ("PYTHON", "EVENTGRID", "VIRTUAL_ENV", "AzureWebJobs")
BARE = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}


def run(
    command: Sequence[str | Path], folder: Path, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Return how a command ended, and what it said."""
    return subprocess.run(
        command,
        cwd=folder,
        env=BARE | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def output(command: Sequence[str | Path], folder: Path, **environment: str) -> str:
    """Return what a command says; a failure is shown in its own words."""
    done = run(command, folder, **environment)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def wheel(name: str, folder: Path) -> Path:
    """Build the wheel of that name, or skip the test where that is not possible."""
    try:
        return build(DISTRIBUTIONS[name], folder)
    except CannotGoOn as problem:
        pytest.skip(f"The wheel cannot be built without a package index: {problem}")

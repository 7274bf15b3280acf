"""What others install, tried from outside: nothing of this repository is in reach."""

import json
import shutil
import subprocess
import sys
import venv
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from eventgrid_emulator.version import VERSION
from tests.installing import BARE, BIN, output, run, wheel
from tools.terminal import ROOT

NODE_CLIENT = ROOT / "clients" / "node"
PACKAGE = json.loads((NODE_CLIENT / "package.json").read_text("utf-8"))


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the programs of an environment with the wheel, and what it needs, alone."""
    folder = tmp_path_factory.mktemp("fresh")
    built = wheel("emulator", folder / "dist")
    venv.create(folder / "venv", with_pip=True)
    programs = folder / "venv" / BIN
    output([str(programs / "pip"), "install", "--quiet", str(built)], folder)
    return programs


@contextmanager
def running(programs: Path, folder: Path, *options: str) -> Iterator[dict[str, Any]]:
    """Yield what an emulator of that environment says when it is ready."""
    asked = [str(programs / "eventgrid-emulator"), "--port", "0", "--ready-json"]
    with subprocess.Popen(
        [*asked, "--exit-with-parent", *options],
        cwd=folder,
        env=BARE,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        yield json.loads(process.stdout.readline())
        process.stdin.close()
        assert process.stdout.read() == ""
        assert process.wait(30) == 0


def test_an_environment_with_the_wheel_alone_runs_it(
    installed: Path, tmp_path: Path
) -> None:
    """From an empty folder, by its command, and over when its standard input ends."""
    with running(installed, tmp_path) as ready:
        assert ready["topics"] == [{"topic": "events", "eventSubscriptions": ["all"]}]

    assert list(tmp_path.iterdir()) == []
    printed = output([str(installed / "eventgrid-emulator"), "--version"], tmp_path)
    assert printed.split() == ["eventgrid-emulator", VERSION]


def test_a_missing_extra_is_named_at_the_start(installed: Path, tmp_path: Path) -> None:
    """Not at the first dead letter, and not as a traceback."""
    for options, extra in (
        (["--tls"], "eventgrid-emulator[tls]"),
        (["--dead-letters", "UseDevelopmentStorage=true"], "eventgrid-emulator[blob]"),
    ):
        command = [str(installed / "eventgrid-emulator"), "--port=0", *options]
        done = run(command, tmp_path)
        assert done.returncode == 1
        assert extra in done.stderr
        assert "Traceback" not in done.stderr


def test_the_plugin_comes_with_the_wheel(installed: Path, tmp_path: Path) -> None:
    """Whoever has pytest has the fixture, without a line of configuration."""
    output([str(installed / "pip"), "install", "--quiet", "pytest"], tmp_path)
    Path(tmp_path, "test_it.py").write_text(
        "def test_it(eventgrid_namespace):\n"
        "    assert eventgrid_namespace.idle()\n"
        "    assert eventgrid_namespace.connection['EVENTGRID__key']\n"
    )

    printed = output([str(installed / "python"), "-m", "pytest", "-q"], tmp_path)

    assert "1 passed" in printed


def test_another_python_gets_one_sentence(tmp_path: Path) -> None:
    """A copied folder meets any Python."""
    python = shutil.which("python3.11") or shutil.which("python3.10")
    if python is None or subprocess.run([python, "-c", ""], check=False).returncode:
        pytest.skip("No Python before 3.12 is here")

    done = run([python, "-m", "eventgrid_emulator"], ROOT)

    assert done.returncode == 1
    assert "needs Python 3.12 or newer" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.fixture(scope="module")
def node_project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a project with the packed helper, the official SDK, and its own tests."""
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("The Node client is NOT tested: there is no npm here")
    folder = tmp_path_factory.mktemp("project")
    Path(folder, "package.json").write_text('{"private": true, "type": "module"}')
    output([npm, "pack", str(NODE_CLIENT), "--silent"], folder)
    [packed] = folder.glob("*.tgz")
    sdk = [f"{name}@{version}" for name, version in PACKAGE["devDependencies"].items()]
    quietly = ["--no-audit", "--no-fund", "--loglevel=error"]
    done = run([npm, "install", *quietly, f"./{packed.name}", *sdk], folder)
    if done.returncode:
        pytest.skip(f"The Node client is NOT tested: no npm registry: {done.stderr}")
    shutil.copytree(NODE_CLIENT / "test", folder / "test")
    return folder


@pytest.mark.parametrize("file", sorted((NODE_CLIENT / "test").glob("*.test.js")))
def test_the_official_node_sdk_works_with_the_packed_helper(
    file: Path, installed: Path, node_project: Path
) -> None:
    """Publish to reset, thirty times nothing, and a killed process that leaves nothing."""
    environment: Mapping[str, str] = {
        "EVENTGRID_EMULATOR_COMMAND": str(installed / "eventgrid-emulator"),
        "EMULATOR_WITH_TLS": f"{sys.executable} -m eventgrid_emulator",
        "EMULATOR_PATH": str(ROOT),
    }
    node = shutil.which("node") or "node"

    output([node, "--test", f"test/{file.name}"], node_project, **environment)


def test_the_helper_and_the_emulator_are_of_one_version() -> None:
    """Who installs both of one version has what was tested together."""
    assert PACKAGE["version"] == VERSION

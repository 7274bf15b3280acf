"""The library as others have it: a wheel in an environment where nothing of ours is in reach."""

import asyncio
import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import sysconfig
import textwrap
import venv
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from azure.core.credentials import AzureKeyCredential

from eventgrid_emulator import EmulatedNamespace
from eventgrid_emulator.testing import NamespaceInThread
from eventgrid_pull import Namespace, testing
from tests.functions_host import hosting
from tests.functions_host.hosting import RunningHost
from tests.installing import BARE, BIN, output, wheel
from tools import find_python
from tools.stack.parts import readiness, services
from tools.terminal import ROOT
from tools.venv import QUIETLY

ORDERS = ROOT / "examples" / "orders"
README = (ROOT / "eventgrid_pull" / "README.md").read_text("utf-8")
LINES_OF_AN_APP = 60
# What goes before the README's drain in memory.
IN_MEMORY = """
import pytest
from eventgrid_pull import testing
from function_app import pull

@pytest.mark.asyncio
async def test_a_drain_in_memory():
    event = testing.event("com.shop.Paid", {"order": "o1", "cents": -1})
"""
type Hosted = Callable[
    [Path, Path, dict[str, str]], AbstractContextManager[RunningHost]
]


def install(python: Path, *what: str | Path) -> None:
    """Install into another environment than this one."""
    pip = ["-m", "pip", "--python", str(python), "install", *QUIETLY]
    output([sys.executable, *pip, *what], ROOT)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the library's wheel."""
    return wheel("library", tmp_path_factory.mktemp("dist"))


@pytest.fixture(scope="module")
def python(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment that has the wheel, and finds what that needs in ours."""
    folder = tmp_path_factory.mktemp("installed")
    venv.create(folder, symlinks=os.name != "nt")
    found = folder / BIN / Path(sys.executable).name
    install(found, "--no-deps", built)
    say = "import sysconfig; print(sysconfig.get_path('purelib'))"
    packages = Path(output([found, "-c", say], folder).strip())
    (packages / "needed.pth").write_text(sysconfig.get_path("purelib"))
    say = "import eventgrid_pull; print(eventgrid_pull.__file__)"
    library = Path(output([found, "-c", say], folder).strip())
    assert library.is_relative_to(packages)
    return found


@pytest.fixture
def orders(tmp_path: Path) -> Path:
    """The example, in a folder with nothing else."""
    ignored = shutil.ignore_patterns("__pycache__", "local.settings.json", "*.db")
    return shutil.copytree(ORDERS, tmp_path / "orders", ignore=ignored)


@pytest.fixture
def namespace() -> Iterator[NamespaceInThread]:
    """An emulator that has the example's topology."""
    with EmulatedNamespace(ORDERS / "topology.json") as made:
        yield made


def publish(namespace: NamespaceInThread, *events: dict[str, Any]) -> None:
    """Publish events to the example's topic."""

    async def send() -> None:
        client = Namespace(namespace.endpoint, AzureKeyCredential(namespace.key))
        await client.topic("orders").publish(
            [json.dumps(event).encode() for event in events]
        )
        await client.close()

    asyncio.run(send())


def test_the_example_is_short() -> None:
    """
    What the library leaves to write for two event subscriptions, a database and a recorder.
    """
    files = [file for file in ORDERS.glob("*.py") if not file.name.startswith("test_")]
    lines = [line for file in files for line in file.read_text("utf-8").splitlines()]

    assert len([line for line in lines if line.strip()]) <= LINES_OF_AN_APP


def test_the_examples_own_tests_pass(python: Path, orders: Path) -> None:
    """With the wheel, as whoever copies the folder runs them."""
    assert "3 passed" in output([python, "-m", "pytest", "-q"], orders)


def test_the_wheel_works_on_the_oldest_python_that_it_names(
    built: Path, orders: Path, tmp_path: Path
) -> None:
    """With the packages that are there for it."""
    places = Path.home().glob(".pyenv/versions/3.12*/bin/python")
    commands = ["python3.12", *map(str, places)]
    known = [(command, find_python.about([command])) for command in commands]
    oldest = next(
        (command for command, about in known if about and about.version == "3.12"), None
    )
    if oldest is None:
        pytest.skip("There is no Python 3.12 on this machine.")
    output([oldest, "-m", "venv", "--without-pip", tmp_path / "oldest"], tmp_path)
    found = tmp_path / "oldest" / BIN / "python"
    install(found, built, "pydantic", "pytest")

    assert "3 passed" in output([found, "-m", "pytest", "-q"], orders)


@contextmanager
def in_the_stand_in(
    python: Path, app: Path, settings: dict[str, str]
) -> Iterator[RunningHost]:
    """The stand-in host, of all packages of this repository the only one in reach."""
    host = app.with_name("host")
    shutil.copytree(ROOT / "functions_host", host / "functions_host")
    environment = BARE | settings | {"PYTHONPATH": str(host)}
    with hosting.running(
        app, python=python, cwd=host, environment=environment
    ) as running:
        yield running


@contextmanager
def in_func(python: Path, app: Path, settings: dict[str, str]) -> Iterator[RunningHost]:
    """Core Tools' func, whose worker runs in that environment."""
    func = services.find_func()
    if func is None:
        pytest.skip("NOT RUN with the real host: func is not on PATH.")
    path = os.pathsep.join([str(python.parent), BARE.get("PATH", "")])
    environment = {"PATH": path, "VIRTUAL_ENV": str(python.parents[1])}
    port, log = hosting.a_free_port(), app.with_name("func.log")
    with (
        hosting.blob_storage(app.with_name("storage")) as storage,
        log.open("w") as written,
        subprocess.Popen(
            [func, "start", "--port", str(port)],
            cwd=app,
            env=BARE | settings | environment | {"AzureWebJobsStorage": storage},
            stdin=subprocess.DEVNULL,
            stdout=written,
            stderr=written,
            text=True,
        ) as process,
    ):
        try:
            hosting.until(lambda: readiness.host_answers(port), 90)
            yield RunningHost(process, port, log)
        finally:
            process.kill()


@pytest.mark.parametrize("hosted", [in_the_stand_in, in_func])
def test_a_host_runs_the_example(
    hosted: Hosted, python: Path, orders: Path, namespace: NamespaceInThread
) -> None:
    """Each event is handled, on record in SQLite, and settled."""
    settings = namespace.connection | {
        "PAID_SCHEDULE": "* * * * * *",
        "FUNCTIONS_WORKER_RUNTIME": "python",
    }
    events = [
        testing.event("com.shop.Paid", {"order": "o1", "cents": 5}),
        testing.event("com.shop.Paid", {"order": "o2", "cents": -5}),
        testing.event("com.shop.Refunded", {"order": "o3", "cents": 5}),
        testing.event("com.shop.Refunded", {"order": "o4", "cents": 5}),
    ]
    publish(namespace, *events)

    with hosted(python, orders, settings) as running:
        for function in ("pull_paid", "pull_refunded"):
            fired = running.call(
                "POST",
                f"/admin/functions/{function}",
                {"Content-Type": "application/json"},
                b"{}",
            )
            assert fired.status == 202
        decided = hosting.until(lambda: len(rows(orders)) == 4 and rows(orders))
        hosting.until(namespace.idle)

    assert Counter(disposition for *_, disposition, _ in decided) == {
        "acknowledge": 3,
        "reject": 1,
    }
    assert {event_id for _, _, event_id, *_ in decided} == {
        event["id"] for event in events
    }
    assert len(namespace.dead_letters()) == 1


def rows(orders: Path) -> list[tuple[str, ...]]:
    """What the example has on record."""
    with closing(sqlite3.connect(orders / "orders.db", timeout=10)) as db:
        if db.execute("select 1 from sqlite_master where name = 'decided'").fetchone():
            return db.execute("select * from decided").fetchall()
    return []


def test_what_the_readme_shows_runs(
    python: Path, namespace: NamespaceInThread, tmp_path: Path
) -> None:
    """In an empty folder: the app against the emulator, its test without it."""
    app, test, in_memory = re.findall(r"```python\n(.*?)```", README, re.S)
    (tmp_path / "function_app.py").write_text(app, encoding="utf-8")
    (tmp_path / "test_function_app.py").write_text(test, encoding="utf-8")
    publish(namespace, testing.event("com.shop.Paid", {"order": "o1", "cents": 5}))
    drain = (
        "import asyncio, function_app as app;"
        "result = asyncio.run(app.pull.drain('sub-paid', until_empty=True));"
        "print('settled:', result.settled['acknowledge'])"
    )

    (tmp_path / "test_in_memory.py").write_text(
        IN_MEMORY + textwrap.indent(in_memory, "    ")
    )

    assert "2 passed" in output([python, "-m", "pytest", "-q"], tmp_path)
    said = output([python, "-c", drain], tmp_path, **namespace.connection)

    assert "settled: 1" in said

"""The stacks that end-to-end tests talk to."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest

from tests.e2e import func_keys
from tests.e2e.stacks import (
    Stack,
    StartStack,
    launch,
    running,
    until,
    wait_until_it_serves,
)
from tools.stack.parts import services
from tools.stack.settings import local_keys
from tools.stack.settings.local_keys import LocalKeys

JSON = {"Content-Type": "application/json"}
__all__ = ["Stack", "StartStack", "until"]


@pytest.fixture(scope="session", params=["stand-in", "func"])
def host_kind(request: pytest.FixtureRequest) -> str:
    """The stand-in host always, and Core Tools' func wherever it is found."""
    kind = str(request.param)
    if kind == "func" and services.find_func() is None:
        pytest.skip(
            "NOT RUN with the real host: func (Azure Functions Core Tools 4) is neither "
            "on PATH nor named in FUNC_PATH"
        )
    return kind


@pytest.fixture(scope="session")
def stack(host_kind: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack for tests that leave it running; its timers never fire by themselves."""
    folder = tmp_path_factory.mktemp(f"stack-{host_kind}")
    with running(folder, host_kind=host_kind) as started:
        yield started


@pytest.fixture
def emptied_stack(stack: Stack) -> Stack:
    """The same, and no event in it."""
    everything = Request(f"{stack.emulator}/_local/reset", b"{}", JSON)
    with urlopen(everything, timeout=10):
        return stack


@pytest.fixture(scope="session")
def unset_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack whose settings are wrong: every call that needs them is answered 503."""
    wrong = {"EVENTGRID_ENDPOINT": "ftp://x", "PULL_BUDGET_SECONDS": "soon"}
    folder: Path = tmp_path_factory.mktemp("unset-stack")
    with running(folder, settings=wrong) as started:
        yield started


@pytest.fixture(scope="session")
def guarded(
    host_kind: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stack]:
    """A stack whose host asks for keys, as `dev.py run --enable-auth` starts it."""
    folder = tmp_path_factory.mktemp(f"guarded-{host_kind}")
    with running(folder, "--enable-auth", host_kind=host_kind) as started:
        yield started


@pytest.fixture(scope="session")
def keys(guarded: Stack) -> LocalKeys:
    """The keys of the guarded host; the reader's is on every reading function."""
    if guarded.host_kind == "func":
        return func_keys.make(guarded)
    return local_keys.make(guarded.data / local_keys.FILE, ["audit"])


@pytest.fixture
def start_stack(tmp_path: Path) -> Iterator[StartStack]:
    """
    Starts stacks for one test, which may break them.

    Stacks started with one test share `folder`, and so their data, unless another is
    given; `wait=False` returns before the stack serves.
    """
    started: list[Stack] = []

    def start(*options: str, wait: bool = True, **more: Any) -> Stack:
        folder = more.pop("folder", tmp_path / "stack")
        stack = launch(folder, *options, **more)
        started.append(stack)
        return wait_until_it_serves(stack) if wait else stack

    yield start
    for stack in started:
        stack.stop()


@pytest.fixture
def fresh_stack(host_kind: str, start_stack: StartStack) -> Stack:
    """A stack of its own for one test, with either host."""
    return start_stack(host_kind=host_kind)

"""The compiler and what it makes of infra/, once for all tests."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from local import bicep
from tests.infra.compiling import Bicep
from tests.infra.deployment import Deployment, Json

EXAMPLES = sorted((bicep.INFRA / "examples").glob("*.bicepparam"))
PARAMETERS = {
    "default": bicep.INFRA / "main.bicepparam",
    **{file.stem: file for file in EXAMPLES},
}


@pytest.fixture(scope="session")
def compiler() -> bicep.Compiler:
    """The compiler as a command; without one, everything that needs it is skipped."""
    found = bicep.find(os.environ)
    if found is None:
        reason = f"no Bicep compiler in {bicep.TRIED}: infra/ IS NOT TESTED"
        if os.environ.get("GITHUB_ACTIONS"):
            pytest.fail(reason)
        pytest.skip(reason)
    return found


@pytest.fixture(scope="session")
def running(compiler: bicep.Compiler) -> Iterator[Bicep]:
    """The compiler, running for all tests."""
    with Bicep(compiler.program) as running:
        yield running


@pytest.fixture(scope="session")
def template(running: Bicep) -> Json:
    """main.bicep, compiled."""
    return running.compile(bicep.INFRA / "main.bicep")


@pytest.fixture(scope="session")
def deployments(running: Bicep) -> dict[str, Deployment]:
    """What each file of parameters deploys."""
    return {
        name: Deployment(name, running.snapshot(file))
        for name, file in PARAMETERS.items()
    }


@pytest.fixture(params=PARAMETERS)
def deployment(
    request: pytest.FixtureRequest, deployments: dict[str, Deployment]
) -> Deployment:
    """One of them after the other."""
    return deployments[request.param]


@pytest.fixture(scope="session")
def default(deployments: dict[str, Deployment]) -> Deployment:
    """The deployment without a choice made."""
    return deployments["default"]


@pytest.fixture(scope="session")
def workers(compiler: bicep.Compiler) -> Iterator[ThreadPoolExecutor]:
    """Threads for slow calls."""
    with ThreadPoolExecutor(2) as pool:
        yield pool


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder for a changed copy of infra/."""
    return tmp_path

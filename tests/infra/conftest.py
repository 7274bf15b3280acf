"""The compiler and what it makes of infra/, once for all tests."""

import os
from collections.abc import Iterator
from operator import methodcaller
from pathlib import Path

import pytest

from tests.infra.compiling import Compilers
from tests.infra.deployment import Deployment, Json
from tools import bicep

EXAMPLES = sorted((bicep.INFRA / "examples").glob("*.bicepparam"))
PARAMETERS = {file.stem: file for file in EXAMPLES}


@pytest.fixture(scope="session")
def compiler() -> bicep.Compiler:
    """The compiler as a command; without one, everything that needs it is skipped."""
    found = bicep.find(os.environ)
    if found is None:
        reason = f"no Bicep compiler in {bicep.TRIED}: infra/ IS NOT TESTED"
        if os.environ.get("RUNNER_OS") == "Linux":  # where the workflow installs one
            pytest.fail(reason)
        pytest.skip(reason)
    return found


@pytest.fixture(scope="session")
def running(compiler: bicep.Compiler) -> Iterator[Compilers]:
    """The compiler, running for all tests, once for each of two cores."""
    with Compilers(compiler.program, 2) as made:
        yield made


@pytest.fixture(scope="session")
def template(running: Compilers) -> Json:
    """main.bicep, compiled."""
    return running.compile(bicep.INFRA / "main.bicep")


@pytest.fixture(scope="session")
def deployments(running: Compilers) -> dict[str, Deployment]:
    """What each file of parameters deploys."""
    plans = {
        name: running.submit(methodcaller("snapshot", file))
        for name, file in PARAMETERS.items()
    }
    return {name: Deployment(name, plan.result()) for name, plan in plans.items()}


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


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder for a changed copy of infra/."""
    return tmp_path


def chosen(request: pytest.FixtureRequest, test: str) -> list[str]:
    """The cases of a parametrized test that this run is about."""
    return [
        str(item.callspec.params["what"])
        for item in request.session.items
        if isinstance(item, pytest.Function)
        and item.path == request.path
        and item.originalname == test
    ]

"""The policies bite: each of these breaks of the Bicep is caught by the claim it breaks."""

import inspect
from concurrent.futures import Future
from functools import partial
from pathlib import Path

import pytest

from tests.infra.breaks import BREAKS, POLICIES, Break
from tests.infra.compiling import Bicep, Change, Compilers, copied
from tests.infra.conftest import PARAMETERS, chosen
from tests.infra.deployment import Deployment
from tools import bicep

Broken = dict[str, Future[object]]


@pytest.fixture(scope="module")
def broken(
    request: pytest.FixtureRequest,
    running: Compilers,
    tmp_path_factory: pytest.TempPathFactory,
) -> Broken:
    """Every break, compiled or evaluated side by side."""
    folder = tmp_path_factory.mktemp("broken")
    return {
        what: running.submit(partial(_break, BREAKS[what], folder / str(place)))
        for place, what in enumerate(chosen(request, "test_a_break_is_caught"))
    }


def _break(one: Break, folder: Path, compiler: Bicep) -> object:
    folder.mkdir()
    infra = copied(folder, Change(one.file, one.old, one.new))
    if "template" in inspect.signature(one.claim).parameters:
        return compiler.compile(infra / "main.bicep")
    file = PARAMETERS[one.parameters].relative_to(bicep.INFRA)
    return Deployment(one.parameters, compiler.snapshot(infra / file))


@pytest.mark.parametrize("what", BREAKS)
def test_a_break_is_caught(what: str, broken: Broken) -> None:
    """The claim holds of what is there, and not of what was broken."""
    result = broken[what].result()

    with pytest.raises(AssertionError):
        BREAKS[what].claim(result)


def test_every_policy_is_broken_by_something() -> None:
    """A claim that nothing breaks may claim nothing."""
    broken = {planted.claim.__name__ for planted in BREAKS.values()}

    assert POLICIES.keys() - broken == set()

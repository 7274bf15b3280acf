"""Where the Bicep compiler is looked for, and what is said when there is none."""

import json
import os
from pathlib import Path

import pytest

from tools import bicep
from tools.terminal import CannotGoOn

EXE = "bicep.exe" if os.name == "nt" else "bicep"


def program(folder: Path) -> Path:
    """Something that looks like a compiler."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / EXE
    file.write_text("#!/bin/sh\necho Bicep CLI version 0.0.0\n", encoding="utf-8")
    file.chmod(0o755)
    return file


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project's root with nothing beside it."""
    root = tmp_path / "work" / "project"
    root.mkdir(parents=True)
    return root


def test_the_one_that_is_named_comes_first(tmp_path: Path, project: Path) -> None:
    """BICEP overrules PATH."""
    named, on_path = program(tmp_path / "named"), program(tmp_path / "path")
    environ = {"BICEP": str(named), "PATH": str(on_path.parent)}

    assert bicep.find(environ, project) == bicep.Compiler(named, "BICEP")


def test_path_comes_before_what_lies_beside(tmp_path: Path, project: Path) -> None:
    """Then ../shared/tools, then what az installed."""
    on_path = program(tmp_path / "path")
    beside = program(project.parent / "shared" / "tools")
    azure = program(tmp_path / "azure" / "bin")
    environ = {"PATH": str(on_path.parent), "AZURE_CONFIG_DIR": str(tmp_path / "azure")}
    found = []
    for file in (on_path, beside, azure):
        found.append(bicep.find(environ, project))
        file.unlink()

    assert found == [
        bicep.Compiler(on_path, "PATH"),
        bicep.Compiler(beside, "../shared/tools"),
        bicep.Compiler(azure, "az bicep"),
    ]
    assert bicep.find(environ, project) is None


def test_a_name_that_is_no_program_is_said(tmp_path: Path) -> None:
    """Another compiler than the one named is not wanted."""
    with pytest.raises(CannotGoOn, match="which is not a program"):
        bicep.find({"BICEP": str(tmp_path / "nothing")})


def test_the_environment_of_a_deployment_does_not_reach_the_plan() -> None:
    """Somebody's AZURE_ENV_NAME changes nothing in what is reviewed."""
    kept = bicep.environment(
        {"AZURE_ENV_NAME": "mine", "THROUGHPUT_UNITS": "9", "HOME": "/"}
    )

    assert kept == {"HOME": "/", "DOTNET_SYSTEM_GLOBALIZATION_INVARIANT": "1"}


def test_outputs_of_the_plan_are_in_order(tmp_path: Path) -> None:
    """The compiler gives them in another one each time, which is no change."""
    file = tmp_path / "plan.json"
    file.write_text('{"predictedResources": [], "outputs": {"B": 1, "A": 2}}', "utf-8")

    bicep.sort_outputs(file)

    assert list(json.loads(file.read_text(encoding="utf-8"))["outputs"]) == ["A", "B"]


def test_the_compiler_says_its_version(compiler: bicep.Compiler) -> None:
    """And so does the line that the test run shows."""
    assert "0." in compiler.version()
    assert compiler.version() in bicep.describe(os.environ)

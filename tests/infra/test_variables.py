"""What main.bicepparam makes of variables, as azd and a shell set them."""

import json
import os
import subprocess

import pytest

from tests.infra.compiling import Refused
from tests.infra.deployment import Json
from tools import bicep
from tools.terminal import ROOT


def test_values_of_older_environments_are_still_read(
    compiler: bicep.Compiler,
) -> None:
    """What azd keeps of a version that had parameters for three event subscriptions."""
    older = {"PULL_FLAGGED_SCHEDULE": "0 * * * * *", "PULL_APPROVED_LANES": "4"}
    newer = {"SCHEDULES": '{"sub-all-events": "30 * * * * *"}'}

    parameters = _parameters(compiler, older | newer)

    assert parameters["schedules"]["value"] == {
        "sub-flagged": "0 * * * * *",
        "sub-all-events": "30 * * * * *",
    }
    assert parameters["lanes"]["value"] == {"sub-approved": 4}


def test_a_python_that_is_no_more_is_refused_by_name(compiler: bicep.Compiler) -> None:
    """Silence would deploy another one than was asked for."""
    with pytest.raises(Refused, match="APP_PYTHON_VERSION is no more"):
        _parameters(compiler, {"APP_PYTHON_VERSION": "3.12"})


@pytest.mark.parametrize("pipeline", ["CI", "TF_BUILD"])
def test_a_pipeline_gets_no_roles_of_a_developer(
    compiler: bicep.Compiler, pipeline: str
) -> None:
    """Whatever else is set; GitHub and Azure Pipelines say that they are there."""
    given = {pipeline: "true", "DEVELOPER_ROLES": "true"}

    assert _parameters(compiler, given)["developerRoles"]["value"] is False
    assert _parameters(compiler, {})["developerRoles"]["value"] is None


def _parameters(compiler: bicep.Compiler, environ: dict[str, str]) -> Json:
    """What main.bicepparam makes of variables."""
    asked = [str(compiler.program), "build-params", "--stdout", "infra/main.bicepparam"]
    done = subprocess.run(
        asked,
        cwd=ROOT,
        env=bicep.environment(os.environ) | environ,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise Refused(done.stderr)
    parameters: Json = json.loads(json.loads(done.stdout)["parametersJson"])
    found: Json = parameters["parameters"]
    return found

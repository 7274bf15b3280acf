"""Workflows, Dependabot and azure.yaml: valid, pinned, with few rights and no secret."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

import dev
from tools.distribution import DISTRIBUTIONS
from tools.terminal import ROOT

GITHUB = ROOT / ".github"
PROGRAMS = Path(sys.executable).parent  # of the environment that runs the tests
WORKFLOWS = sorted((GITHUB / "workflows").glob("*.yml"))
HOOKS = {
    f"{when}{what}"
    for when in ("pre", "post")
    for what in ("provision", "deploy", "up", "down", "package", "restore")
}
SECRETS = re.compile(
    r"secrets\.|AccountKey=|SharedAccessKey|client.?secret|password|-----BEGIN", re.I
)


def read(file: Path) -> Any:
    return YAML(typ="safe", pure=True).load(file.read_text(encoding="utf-8"))


CI = read(GITHUB / "workflows" / "ci.yml")
DEPLOY = read(GITHUB / "workflows" / "azure-dev.yml")
PUBLISH = read(GITHUB / "workflows" / "publish.yml")
AZD = read(ROOT / "azure.yaml")


def steps(workflow: Any) -> Iterator[Any]:
    for job in workflow["jobs"].values():
        yield from job["steps"]


def runs(workflow: Any) -> str:
    return "\n".join(step.get("run", "") for step in steps(workflow))


def hooks() -> Iterator[tuple[str, Any]]:
    yield from AZD["hooks"].items()
    for service in AZD["services"].values():
        yield from service["hooks"].items()


@pytest.mark.parametrize(
    ("schema", "file"),
    [
        *(("github-workflows", file) for file in WORKFLOWS),
        ("dependabot", GITHUB / "dependabot.yml"),
    ],
    ids=lambda value: value if isinstance(value, str) else value.stem,
)
def test_each_file_is_valid_by_its_schema(schema: str, file: Path) -> None:
    """A key that GitHub does not know would be found at the first push otherwise."""
    checker = str(PROGRAMS / "check-jsonschema")
    asked = [checker, "--builtin-schema", f"vendor.{schema}", str(file)]

    done = subprocess.run(asked, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr


def test_workflows_lint_clean() -> None:
    """zizmor, at its most pedantic, finds nothing: actions are pinned, inputs are no code."""
    asked = [str(PROGRAMS / "zizmor"), "--offline", "--pedantic", "--no-progress"]
    asked += ["--format", "json", "--strict-collection", str(GITHUB)]

    done = subprocess.run(asked, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(done.stdout) == []


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.stem)
def test_a_workflow_has_no_right_that_it_does_not_need(file: Path) -> None:
    """
    Nothing at the top, reading the code in a job, and a sign-in only to deploy and publish.
    """
    workflow = read(file)
    signs_in = {"contents": "read", "id-token": "write"}
    allowed = {"deploy": signs_in, "publish": {"id-token": "write"}}

    assert workflow["permissions"] == {}
    for name, job in workflow["jobs"].items():
        assert job["permissions"] == allowed.get(name, {"contents": "read"})
        assert 5 <= job["timeout-minutes"] <= 90
        checkouts = [s for s in job["steps"] if "checkout@" in s.get("uses", "")]
        assert len(checkouts) == ("contents" in job["permissions"])
        assert all(not step["with"]["persist-credentials"] for step in checkouts)


@pytest.mark.parametrize(
    "file",
    [*WORKFLOWS, GITHUB / "dependabot.yml", ROOT / "azure.yaml"],
    ids=lambda file: file.stem,
)
def test_there_is_no_secret_in_a_text(file: Path) -> None:
    """Deploying needs no secret at all, so none can leak."""
    assert SECRETS.search(file.read_text(encoding="utf-8")) is None


def test_the_tests_run_on_all_three_systems() -> None:
    """The same command that a person runs, on Linux, macOS and Windows."""
    job = CI["jobs"]["test"]

    assert job["strategy"]["matrix"]["os"] == [
        *("ubuntu-latest", "macos-latest", "windows-latest"),
    ]
    assert job["strategy"]["fail-fast"] is False
    assert "dev.py test" in job["steps"][-1]["run"]
    assert {"push", "pull_request"} <= CI["on"].keys()


def test_nothing_in_a_workflow_is_allowed_to_fail() -> None:
    """A red step is a red run."""
    for workflow in map(read, WORKFLOWS):
        for step in steps(workflow):
            assert "continue-on-error" not in step
            assert "|| true" not in step.get("run", "")


def test_the_bicep_is_compiled_on_linux_and_cannot_be_skipped() -> None:
    """The job installs a compiler of a fixed version, which the tests find in BICEP."""
    installs = next(s for s in steps(CI) if "az bicep install" in s.get("run", ""))
    builds = next(s for s in steps(CI) if '"$BICEP" build' in s.get("run", ""))

    assert re.search(r"install --version v\d+\.\d+\.\d+", installs["run"])
    assert "BICEP=" in installs["run"]
    assert '"$BICEP" lint' in builds["run"]
    assert installs["if"] == builds["if"] == "runner.os == 'Linux'"


def test_deploying_is_started_by_a_person_and_one_at_a_time() -> None:
    """No push changes Azure, and a deployment is not cut off by the next."""
    assert list(DEPLOY["on"]) == ["workflow_dispatch"]
    assert DEPLOY["concurrency"]["cancel-in-progress"] is False
    assert all("environment" in job for job in DEPLOY["jobs"].values())


def test_publishing_is_started_by_a_person_and_needs_no_token() -> None:
    """What is built by one job, without rights, is what the other hands to PyPI."""
    assert list(PUBLISH["on"]) == ["workflow_dispatch"]
    assert PUBLISH["jobs"]["publish"]["environment"] == "pypi"
    assert 'dev.py package "$DISTRIBUTION"' in runs(PUBLISH)
    options = PUBLISH["on"]["workflow_dispatch"]["inputs"]["distribution"]["options"]
    assert set(options) == DISTRIBUTIONS.keys()


def test_deploying_signs_in_with_oidc() -> None:
    """The sign-in is GitHub's word for this repository, worth a few minutes."""
    assert "--federated-credential-provider github" in runs(DEPLOY)
    words = (
        "dev.py package",
        "auth login",
        "azd provision",
        "azd deploy",
        "--functions",
    )
    order = [runs(DEPLOY).find(word) for word in words]
    assert order == sorted(order)
    assert -1 not in order


def test_what_was_packed_before_signing_in_is_what_is_deployed() -> None:
    """
    No package runs code in a job that may change Azure: the hook is left out, too.
    """
    uses = [step.get("uses", "") + step.get("run", "") for step in steps(DEPLOY)]
    signs_in = next(i for i, step in enumerate(uses) if "login" in step)
    packs = [i for i, step in enumerate(uses) if "dev.py package" in step]

    assert packs
    assert all(place < signs_in for place in packs)
    deploys = next(step for step in uses if "azd deploy" in step)
    assert "--from-package .local/package.zip" in deploys
    assert "pip install" not in runs(DEPLOY)


ROLE_MISSING = (
    "Managed identity for event subscription does not have authorization to deliver to "
    "the endpoint. Visit aka.ms/egmsivalidation for more details."
)


@pytest.mark.skipif(os.name == "nt", reason="the workflow runs on Linux")
@pytest.mark.parametrize(
    ("says", "code", "runs_of_azd"),
    [
        (["SUCCESS"], 0, 1),
        ([ROLE_MISSING, "SUCCESS"], 0, 2),
        (["Managed Identity Authorization Error", "SUCCESS"], 0, 2),
        ([ROLE_MISSING, ROLE_MISSING], 1, 2),
        (["StorageAccountAlreadyTaken"], 1, 1),
    ],
)
def test_provisioning_is_tried_again_once_for_a_role_that_does_not_count_yet(
    tmp_path: Path, says: list[str], code: int, runs_of_azd: int
) -> None:
    """What a wait of minutes mends is waited for; everything else fails at once."""
    [script] = [s["run"] for s in steps(DEPLOY) if "azd provision" in s.get("run", "")]
    for place, said in enumerate(says, 1):
        (tmp_path / f"said-{place}").write_text(said)
    azd = (
        'echo x >> runs; said=$(cat "said-$(wc -l < runs | tr -d " ")"); '
        'echo "$said"; [ "$said" = SUCCESS ]'
    )
    for name, text in (("azd", azd), ("sleep", "true")):
        (tmp_path / name).write_text(f"#!/bin/sh\n{text}\n")
        (tmp_path / name).chmod(0o755)
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"

    done = subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script],
        cwd=tmp_path,
        env={"PATH": path, "RUNNER_TEMP": str(tmp_path)},
        capture_output=True,
        check=False,
    )

    assert done.returncode == code
    assert len((tmp_path / "runs").read_text().split()) == runs_of_azd


@pytest.mark.skipif(os.name == "nt", reason="the hook of sh")
@pytest.mark.parametrize(
    ("environment", "asked"),
    [
        ({}, None),
        ({"VNET_ENABLED": "false", "AZURE_SUBSCRIPTION_ID": "a"}, None),
        ({"VNET_ENABLED": "true"}, "--wait"),
        ({"VNET_ENABLED": "true", "AZURE_SUBSCRIPTION_ID": ""}, "--wait"),
        (
            {"VNET_ENABLED": "true", "AZURE_SUBSCRIPTION_ID": "a b"},
            "--wait --subscription a b",
        ),
    ],
)
def test_a_provider_is_registered_where_it_is_needed_and_waited_for(
    tmp_path: Path, environment: dict[str, str], asked: str | None
) -> None:
    """On a first `azd provision` there is no subscription to name yet."""
    (tmp_path / "az").write_text('#!/bin/sh\necho "$*" >> asked\n')
    (tmp_path / "az").chmod(0o755)
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"

    subprocess.run(
        ["sh", "-c", AZD["hooks"]["preprovision"]["posix"]["run"]],
        cwd=tmp_path,
        env=environment | {"PATH": path},
        check=True,
    )

    said = tmp_path / "asked"
    found = said.read_text().splitlines()[1:] if said.exists() else []
    register = "provider register --namespace Microsoft.App"
    assert found == ([] if asked is None else [f"{register} {asked}"])


def test_azure_yaml_has_only_keys_that_azd_knows() -> None:
    """
    azd ignores a misspelt key at the top without a word, and refuses one in a hook.
    """
    services = list(AZD["services"].values())
    scripts = [script for _, hook in hooks() for script in hook.values()]

    assert AZD.keys() == {
        *("name", "metadata", "requiredVersions", "infra", "services", "hooks")
    }
    assert AZD["infra"].keys() == {"provider", "path", "module"}
    for service in services:
        assert service.keys() == {
            *("project", "language", "host", "remoteBuild", "hooks")
        }
    for script in scripts:
        assert {"shell", "run"} <= script.keys()
        assert script.keys() <= {"shell", "run", "continueOnError", "interactive"}


def test_azure_yaml_names_what_there_is() -> None:
    """azd finds the template, and the function app by its tag."""
    infra = AZD["infra"]
    [service] = AZD["services"]
    templates = "".join(
        file.read_text(encoding="utf-8") for file in (ROOT / "infra").rglob("*.bicep")
    )

    assert re.fullmatch(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?", AZD["name"])
    assert re.fullmatch(r">= \d+\.\d+\.\d+", AZD["requiredVersions"]["azd"])
    assert infra["provider"] == "bicep"
    assert (ROOT / infra["path"] / f"{infra['module']}.bicep").exists()
    assert f"'azd-service-name': '{service}'" in templates


def test_nothing_is_built_in_azure() -> None:
    """
    What the app needs comes along, for its Python; .funcignore decides what is sent.
    """
    [service] = AZD["services"].values()

    assert service["project"] == "."
    assert service["host"] == "function"
    assert service["language"] == "python"
    assert service["remoteBuild"] is False
    kept_out = (ROOT / ".funcignore").read_text("utf-8").splitlines()
    assert "!/.python_packages/**" in kept_out


def test_every_hook_works_in_both_worlds() -> None:
    """sh on Linux and macOS, PowerShell on Windows, with commands that dev.py has."""
    for name, hook in hooks():
        assert name in HOOKS
        assert {system: script["shell"] for system, script in hook.items()} == {
            "posix": "sh",
            "windows": "pwsh",
        }
        asked = [
            set(re.findall(r"dev\.py (\w+)", script["run"])) for script in hook.values()
        ]
        assert asked[0] == asked[1]
        assert asked[0] <= dev.COMMANDS.keys()


def test_a_hook_for_comfort_cannot_stop_a_deployment() -> None:
    """Only the package is worth failing for."""
    for name, hook in hooks():
        for script in hook.values():
            assert script.get("continueOnError", False) is (name != "prepackage")


def test_a_pipeline_writes_no_settings_of_a_laptop() -> None:
    """The hook asks for CI, which GitHub and Azure Pipelines set or can set."""
    for script in AZD["hooks"]["postprovision"].values():
        assert "CI" in script["run"]
        assert "settings --from-azure" in script["run"]


def test_every_kind_of_dependency_is_kept_up_to_date() -> None:
    """Packages and actions get their updates, in groups and not on their first day."""
    updates = read(GITHUB / "dependabot.yml")["updates"]

    assert {update["package-ecosystem"] for update in updates} == {
        "pip",
        "github-actions",
    }
    assert all(update["cooldown"]["default-days"] >= 3 for update in updates)
    assert all("groups" in update for update in updates)

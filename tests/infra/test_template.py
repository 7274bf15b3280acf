"""The Bicep itself: it compiles in silence, says what it takes, and goes in the right order."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from eventgrid_emulator.topology import topology
from tests.infra import expected
from tests.infra.compiling import Change, Compilers, copied
from tests.infra.conftest import PARAMETERS
from tests.infra.deployment import Deployment, Json
from tools import bicep
from tools.terminal import ROOT

FILES = sorted(
    file for file in bicep.INFRA.rglob("*") if file.suffix in (".bicep", ".bicepparam")
)


def test_the_compiler_has_nothing_to_say(compiler: bicep.Compiler) -> None:
    """Neither error nor warning nor information; lint ends with 0 on warnings."""
    done = compiler.run("lint", "--pattern", "infra/**/*.bicep")

    assert done.stdout + done.stderr == ""
    assert done.returncode == 0


@pytest.mark.parametrize("name", PARAMETERS)
def test_parameters_give_no_diagnostic(
    name: str, deployments: dict[str, Deployment]
) -> None:
    """Nor does the deployment that they make."""
    assert deployments[name].plan["diagnostics"] == []


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.name))
def test_the_formatter_would_change_nothing(file: Path, running: Compilers) -> None:
    """Every Bicep file is as `bicep format` writes it."""
    assert running.format(file) == file.read_text(encoding="utf-8")


def test_the_committed_plan_is_the_one_that_is_deployed(
    compiler: bicep.Compiler,
) -> None:
    """`python -m tools.bicep snapshot` writes it anew; the diff is what is reviewed."""
    done = bicep.snapshot(compiler, "validate")

    assert done.returncode == 0, done.stdout + done.stderr


def test_azd_overwrites_and_deletes_nothing_that_is_tracked() -> None:
    """Before it provisions, azd writes a snapshot beside its parameters and removes it."""
    azd = YAML(typ="safe", pure=True).load((ROOT / "azure.yaml").read_text("utf-8"))
    written = f"{azd['infra']['path']}/{azd['infra']['module']}.snapshot.json"
    by_hooks = (".python_packages", ".local", "local.settings.json")
    by_azd = (written, ".azure", f"{ROOT.name}_env")
    listed = ["git", "ls-files", "--", *by_azd, *by_hooks]

    tracked = subprocess.run(listed, cwd=ROOT, capture_output=True, check=True).stdout

    assert tracked == b""
    assert ROOT / written != bicep.PLAN


def test_a_change_of_the_topology_shows_in_the_plan(
    running: Compilers, default: Deployment, folder: Path
) -> None:
    """A lock that is longer is longer in Azure."""
    change = (
        "moderation/topology.json",
        '"receiveLockDurationInSeconds": 60',
        '"receiveLockDurationInSeconds": 61',
    )
    infra = copied(folder, Change(*change))

    plan = running.snapshot(infra / "main.bicepparam")

    changed = [
        (before, after)
        for before, after in zip(
            default.plan["predictedResources"], plan["predictedResources"], strict=True
        )
        if before != after
    ]
    assert [after["name"].split("/")[-1] for _, after in changed] == ["sub-flagged"]


FILTERS = """"filters": [
    {"operatorType": "StringContains", "key": "subject", "values": ["/images/"]},
    {"operatorType": "NumberGreaterThan", "key": "data.confidence", "value": 0.9},
    {"operatorType": "NumberInRange", "key": "data.size", "values": [[1, 2], [8, 9.5]]},
    {"operatorType": "BoolEquals", "key": "data.reviewRequired", "value": true},
    {"operatorType": "IsNotNull", "key": "data.category"}
]"""


def test_every_kind_of_filter_is_deployed_as_it_is_declared(
    running: Compilers, folder: Path
) -> None:
    """Fractions too, which Bicep has no type for; and without a word of the compiler."""
    change = Change("moderation/topology.json", '"filters": []', FILTERS)
    infra = copied(folder, change)

    plan = running.snapshot(infra / "main.bicepparam")

    declared = topology.load(folder / "moderation" / "topology.json")
    assert topology.parse(json.dumps(plan)) == declared
    assert running.compile(infra / "main.bicep")
    assert len(declared.topics[0].subscriptions[0].filters.clauses) == 5


def test_the_template_is_within_the_limits_of_resource_manager(
    template: Json, deployments: dict[str, Deployment]
) -> None:
    """4 MB, 256 parameters, 64 outputs, 800 resources."""
    assert len(json.dumps(template)) < 4_000_000
    assert len(template["parameters"]) <= 256
    assert len(template["outputs"]) <= 64
    assert max(len(deployment.resources) for deployment in deployments.values()) <= 800


def test_every_parameter_can_be_set_from_the_environment(template: Json) -> None:
    """main.bicepparam gives each its variable, so that azd and a shell can set it."""
    text = (bicep.INFRA / "main.bicepparam").read_text(encoding="utf-8")
    given = re.findall(r"^param (\w+) =((?:.|\n(?!param))*)", text, re.MULTILINE)

    assert sorted(name for name, _ in given) == sorted(template["parameters"])
    assert [name for name, value in given if "readEnvironment" not in value] == []


def test_without_an_environment_every_parameter_is_its_default(
    running: Compilers, default: Deployment
) -> None:
    """main.bicepparam and main.bicep say the same."""
    plan = running.snapshot(bicep.INFRA / "main.bicepparam")

    assert plan["predictedResources"] == default.plan["predictedResources"]


def test_every_parameter_and_its_variable_is_in_the_readme(template: Json) -> None:
    """With the default, as `python -m tools.bicep parameters` writes them."""
    text = (bicep.INFRA / "README.md").read_text(encoding="utf-8")
    written = bicep.TABLE.search(text)

    assert written is not None
    rows = list(bicep.table(template["parameters"]))
    assert written[0].splitlines()[2:] == rows, "python -m tools.bicep parameters"


def test_every_output_is_in_the_readme(template: Json) -> None:
    """A reader finds what a deployment gives."""
    text = (bicep.INFRA / "README.md").read_text(encoding="utf-8")

    assert [name for name in template["outputs"] if f"`{name}`" not in text] == []


def test_every_setting_that_the_code_reads_is_documented() -> None:
    """And docs/settings.md has no other; what of them is deployed, a policy says."""
    assert expected.settings_documented() == expected.settings_read()


def test_outputs_are_named_as_the_settings_they_are(template: Json) -> None:
    """So a laptop's settings are copied, not translated."""
    wanted = {
        "EVENTGRID_ENDPOINT",
        "EVENTGRID_TOPIC_NAME",
        "AUDIT_STORAGE_ACCOUNT_URL",
        "AUDIT_CONTAINER",
        "ACTIVITY_CONTAINER",
        "DEAD_LETTER_STORAGE_ACCOUNT_URL",
    }

    assert wanted <= expected.settings_read()
    assert wanted <= set(template["outputs"])


def test_no_secret_is_asked_for_or_told(template: Json) -> None:
    """No key is listed, and no output or parameter is one."""
    text = json.dumps(template)

    assert not re.search(
        r"list(Keys|AccountSas|ServiceSas|Secrets)\w*\(", text, re.IGNORECASE
    )
    assert not re.search(r"AccountKey=|SharedAccessKey", text, re.IGNORECASE)
    assert not re.search(r"secure(string|object)", text, re.IGNORECASE)


def test_event_subscriptions_come_last(template: Json) -> None:
    """Event Grid asks at this moment whether dead letters can be written, and a role takes minutes to count."""
    modules = template["resources"]

    others = {
        name
        for name, module in modules.items()
        if module["type"] == "Microsoft.Resources/deployments"
    }
    assert _before(modules, "eventSubscriptions") >= others - {"eventSubscriptions"}
    assert {"deadLetterStorage", "eventGrid"} <= _before(modules, "roles")


def test_the_app_starts_when_everything_it_needs_is_there(template: Json) -> None:
    """Its roles, its storage and its private endpoints."""
    modules = template["resources"]

    assert {
        *("roles", "privateEndpoints", "monitoring", "ownNetwork"),
        *("hostStorage", "dataStorage", "deadLetterStorage"),
    } <= _before(modules, "functionApp")


def _before(modules: Json, name: str) -> set[str]:
    direct = {
        module for module in modules[name].get("dependsOn", []) if module in modules
    }
    return direct.union(*(_before(modules, module) for module in direct))


def test_no_module_comes_from_a_registry() -> None:
    """A build needs no network."""
    for file in FILES:
        assert not re.search(r"'(br|ts)[:/]", file.read_text(encoding="utf-8"))


def test_every_api_version_is_pinned_once(template: Json) -> None:
    """For resources that are only referred to as well."""
    for resource in _resources(template):
        if resource["type"] != "Microsoft.Resources/deployments":
            assert resource["apiVersion"] == expected.PINS[resource["type"]], resource[
                "type"
            ]


def _resources(template: Json) -> list[Any]:
    listed = list(template["resources"].values())
    inner = [
        deeper
        for setting in listed
        if setting["type"] == "Microsoft.Resources/deployments"
        for deeper in _resources(setting["properties"]["template"])
    ]
    return [*listed, *inner]


def test_the_role_ids_are_those_of_the_roles_named() -> None:
    """roles.json agrees with the table of the tests."""
    given = json.loads((bicep.INFRA / "roles.json").read_text(encoding="utf-8"))

    assert {value: name for name, value in given.items()} == expected.ROLES


def test_the_service_is_named_alike_in_azd_and_its_tag(default: Deployment) -> None:
    """azd deploys to the app whose tag names the service of azure.yaml."""
    text = (ROOT / "azure.yaml").read_text(encoding="utf-8")
    [service] = re.findall(r"^services:\n  (\w+):", text, re.MULTILINE)

    assert default.one("Microsoft.Web/sites")["tags"]["azd-service-name"] == service

"""`dev.py status` explains what is wrong with a deployment.

The deployments are of recorded shape: written by hand after Azure's own types and
recorded answers, because none of them was ever asked for.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from tools.azure import deployment, status_command
from tools.azure.deployment import Deployment
from tools.azure.examine import GROUPS, examine
from tools.azure.finding import Finding
from tools.terminal import ROOT

HERE = Path(__file__).parent
WELL = HERE / "well.json"
BROKEN = sorted((HERE / "broken").glob("*.json"))


def changed(changes: list[dict[str, Any]]) -> Deployment:
    """The well deployment, with each change made; one without `to` removes."""
    content = json.loads(WELL.read_text("utf-8"))
    for change in changes:
        *path, last = change["at"]
        where = content
        for step in path:
            where = where[step]
        if "to" in change:
            where[last] = change["to"]
        else:
            del where[last]
    return Deployment(**content)


def findings(found: Deployment) -> list[Finding]:
    return [finding for group in examine(found) for finding in group.findings]


def test_a_well_deployment_has_no_finding() -> None:
    """Nobody is alarmed for nothing."""
    assert findings(deployment.load(WELL)) == []


@pytest.mark.parametrize("file", BROKEN, ids=lambda file: file.stem)
def test_what_is_broken_is_explained(file: Path) -> None:
    """Each broken deployment gets its findings, each with what to do, and no others."""
    content = json.loads(file.read_text("utf-8"))

    found = findings(changed(content["changes"]))

    assert len(found) == len(content["finds"]), found
    for wanted in content["finds"]:
        assert [
            finding
            for finding in found
            if finding.level == wanted["level"]
            and finding.where == wanted["where"]
            and wanted["problem"] in finding.problem
            and wanted["do"] in finding.do
        ], (wanted, found)


def test_at_least_twelve_deployments_are_broken_in_a_way_of_their_own() -> None:
    """The promise was twelve."""
    explained = [json.loads(file.read_text("utf-8"))["happened"] for file in BROKEN]

    assert len(set(explained)) >= 12


def test_what_to_do_is_documented_for_every_group_of_checks() -> None:
    """Whoever wants to know why finds the group's name in docs/operations.md."""
    page = (ROOT / "docs" / "operations.md").read_text("utf-8")

    for group in GROUPS:
        assert f"\n### {group.title}\n" in page


def test_the_same_said_otherwise_is_no_finding() -> None:
    """Azure may answer with other spellings of the same: P1D and PT24H, null and []."""
    queue = ["properties", "deliveryConfiguration", "queue"]
    filters = ["properties", "filtersConfiguration"]
    same = changed(
        [
            {
                "at": ["event_subscriptions", 0, *queue, "eventTimeToLive"],
                "to": "PT24H",
            },
            {"at": ["event_subscriptions", 2, *filters], "to": None},
            {"at": ["settings", "EVENTGRID_ENDPOINT"], "to": f"{_endpoint()}/"},
        ]
    )

    assert findings(same) == []


def test_what_is_meant_so_is_no_finding() -> None:
    """A second identity, another spelling, and containers by their default names."""
    other = {"a-second-one": {"principalId": "other", "clientId": "other"}}
    content = json.loads(WELL.read_text("utf-8"))
    identities = other | content["site"]["identity"]["userAssignedIdentities"]
    meant: list[dict[str, Any]] = [
        {"at": ["site", "identity", "userAssignedIdentities"], "to": identities},
        {"at": ["settings", "EVENTGRID_ENDPOINT"]},
        {"at": ["settings", "EVENTGRID__endpoint"], "to": _endpoint()},
        {"at": ["settings", "AUDIT_CONTAINER"]},
        {"at": ["settings", "ACTIVITY_CONTAINER"]},
    ]

    assert findings(changed(meant)) == []


def test_what_was_proven_is_no_finding(capsys: pytest.CaptureFixture[str]) -> None:
    """The dead letter of a probe in a private network ends the doubt."""
    proven: list[dict[str, Any]] = [
        {"at": ["namespace", "properties", "publicNetworkAccess"], "to": "Disabled"},
        {"at": ["proof"], "to": {"after": 42}},
    ]

    assert (
        status_command.report(changed(proven), examine(changed(proven)))
        == status_command.WELL
    )
    assert "came after 42 s" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["AUDIT_CONTAINER", "ACTIVITY_CONTAINER"])
def test_containers_are_those_of_the_settings(name: str) -> None:
    """Another name needs another container, and the role on it."""
    found = findings(changed([{"at": ["settings", name], "to": "elsewhere"}]))

    assert [finding.where for finding in found] == [
        "container elsewhere",
        "role Storage Blob Data Contributor",
    ]


def test_accounts_that_were_not_shown_are_not_reported_as_missing() -> None:
    """No rights to see an account does not mean that it is not there."""
    hidden: list[dict[str, Any]] = [
        {"at": ["storage_accounts"], "to": []},
        {"at": ["unanswered"], "to": {"storage_accounts": "Forbidden"}},
    ]

    assert [finding.level for finding in findings(changed(hidden))] == ["unknown"]


def test_a_wider_role_does_as_well_and_is_mentioned() -> None:
    """
    An app that may do everything on the whole group works, and should not stay so.
    """
    content = json.loads(WELL.read_text("utf-8"))
    scope = content["site"]["id"].partition("/providers/")[0]
    wide = [
        {"at": ["role_assignments", place, "properties", "scope"], "to": scope}
        for place in range(4)
    ]

    found = findings(changed(wide))

    assert {finding.level for finding in found} == {"look"}
    assert len(found) == 4


def _endpoint() -> str:
    content = json.loads(WELL.read_text("utf-8"))
    return str(content["settings"]["EVENTGRID_ENDPOINT"])


@pytest.mark.parametrize(
    ("changes", "code", "said"),
    [
        ([], 0, "Everything is as it was deployed."),
        ([{"at": ["settings", "EVENTGRID__key"], "to": "(set)"}], 0, "To do: 1 look."),
        ([{"at": ["settings", "AZURE_CLIENT_ID"]}], 1, "To do: 1 broken."),
        ([{"at": ["unanswered"], "to": {"topics": "?"}}], 1, "To do: 1 unknown."),
    ],
)
def test_the_exit_code_says_whether_somebody_has_to_act(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    changes: list[dict[str, Any]],
    code: int,
    said: str,
) -> None:
    """A pipeline can ask too."""
    file = tmp_path / "deployment.json"
    changed(changes).save(file)

    assert status_command.main(["--json", str(file)]) == code
    assert capsys.readouterr().out.rstrip().endswith(said)


def test_the_same_remedy_is_shown_once(capsys: pytest.CaptureFixture[str]) -> None:
    """Three findings with one cause read as one."""
    content = json.loads((HERE / "broken" / "dead-lettering-dropped.json").read_text())

    found = changed(content["changes"])
    status_command.report(found, examine(found))

    shown = capsys.readouterr().out
    assert shown.count("  broken  ") == 2
    assert shown.count("whole `queue` block") == 1


def test_nothing_is_called_well_that_was_not_looked_at(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """No finding and no look are different things."""
    content = json.loads((HERE / "broken" / "rights-too-few.json").read_text())

    found = changed(content["changes"])
    status_command.report(found, examine(found))

    shown = capsys.readouterr().out
    assert "Settings: well, as far as it could be looked at\n" in shown
    assert "Event subscriptions: well\n" in shown


@pytest.mark.parametrize("text", ["", "[]", '{"group": "rg"}', '{"surprise": 1}'])
def test_a_file_that_holds_no_deployment_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str
) -> None:
    """The reader learns how such a file is made."""
    file = tmp_path / "deployment.json"
    file.write_text(text)

    assert status_command.main(["--json", str(file)]) == status_command.CANNOT_ASK
    assert "--save" in capsys.readouterr().out

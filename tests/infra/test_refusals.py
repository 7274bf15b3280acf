"""Bad parameters and topologies are refused before anything is made, in words.

What the types can say, the compiler says; the rest is `fail()` with every problem at once.
"""

from concurrent.futures import Future
from functools import partial
from pathlib import Path

import pytest

from tests.infra.compiling import Bicep, Change, Compilers, Refused, copied
from tests.infra.conftest import chosen

NAMED = "param environmentName = 'dev'\nparam location = 'swedencentral'\n"

PARAMETERS = {
    "a name that is too long": (
        f"param environmentName = '{'e' * 31}'\nparam location = 'swedencentral'",
        ["BCP332", "30"],
    ),
    "a namespace name that is too long": (
        f"{NAMED}param namespaceName = '{'n' * 51}'",
        ["BCP332", "50"],
    ),
    "a namespace name that is too short": (
        f"{NAMED}param namespaceName = 'ns'",
        ["BCP333", "3"],
    ),
    "an app name that is too long": (
        f"{NAMED}param functionAppName = '{'f' * 61}'",
        ["BCP332", "60"],
    ),
    "a storage name that is too long": (
        f"{NAMED}param hostStorageName = '{'s' * 25}'",
        ["BCP332", "24"],
    ),
    "a storage name that is taken by the other account": (
        f"{NAMED}param hostStorageName = 'same'\nparam dataStorageName = 'same'",
        ["hostStorageName, dataStorageName and deadLetterStorageName must differ"],
    ),
    "a container that is taken by another use": (
        f"{NAMED}param auditContainer = 'activity'",
        ["auditContainer and activityContainer must differ"],
    ),
    "no throughput unit": (f"{NAMED}param throughputUnits = 0", ["BCP328", "1"]),
    "too many throughput units": (
        f"{NAMED}param throughputUnits = 41",
        ["BCP327", "40"],
    ),
    "a memory size that is not offered": (
        f"{NAMED}param instanceMemoryMB = 1024",
        ["2048 | 4096 | 512"],
    ),
    "more instances than there can be": (
        f"{NAMED}param maximumInstanceCount = 1001",
        ["BCP327", "1000"],
    ),
    "too many lanes": (
        f"{NAMED}param lanes = {{ 'sub-flagged': 17 }}",
        ["BCP327", "16"],
    ),
    "a schedule that is none": (
        f"{NAMED}param schedules = {{ 'sub-flagged': '* * * *' }}",
        ["BCP333", "11"],
    ),
    "a schedule of nobody": (
        f"{NAMED}param schedules = {{ 'sub-flaged': '0 * * * * *' }}",
        [
            "schedules, lanes, manners and paces name sub-flaged",
            "sub-flagged, sub-approved",
        ],
    ),
    "a manner that nobody knows": (
        f"{NAMED}param manners = {{ 'sub-flagged': 'linger' }}",
        ["linger", "'stay' | 'visit'"],
    ),
    "paces that are none": (
        f"{NAMED}param paces = {{ 'sub-flagged': 'soon', 'sub-approved': '60.1', 'sub-all-events': '1.' }}",
        [
            f"{pace}, and must be seconds from 0 to 60, as 0.8"
            for pace in ("sub-flagged is soon", "approved is 60.1", "events is 1.")
        ],
    ),
    "lanes of nobody": (
        f"{NAMED}param lanes = {{ PULL_FLAGGED_LANES: 2 }}",
        ["schedules, lanes, manners and paces name PULL_FLAGGED_LANES"],
    ),
    "an always-ready function that is not there": (
        f"{NAMED}param alwaysReady = [{{ name: 'function:pull_flagged_2', instanceCount: 1 }}]",
        ["alwaysReady names function:pull_flagged_2", "function:pull_approved"],
    ),
    "one always-ready instance over several zones": (
        f"{NAMED}param alwaysReady = [{{ name: 'http', instanceCount: 1 }}]\nparam zoneRedundant = true",
        ["alwaysReady", "at least 2", "http"],
    ),
    "a budget that is too short for one receive": (
        f"{NAMED}param pullBudgetSeconds = 9",
        ["BCP328", "10"],
    ),
    "a handler that outlives the function": (
        f"{NAMED}param handlerTimeoutSeconds = 890",
        [
            "pullBudgetSeconds, 10 and handlerTimeoutSeconds add up to 1800",
            "functionTimeout",
        ],
    ),
    "entries that are deleted while they may not be": (
        f"{NAMED}param auditRetentionDays = 30\nparam auditImmutabilityDays = 90",
        ["auditRetentionDays is 30", "auditImmutabilityDays (90)"],
    ),
    "addresses that shut out the app": (
        f"{NAMED}param allowedIpRanges = ['203.0.113.0/24']",
        ["allowedIpRanges", "vnetEnabled=true"],
    ),
    "a subnet without a network": (
        f"{NAMED}param appSubnetId = '/x/subnets/a'\nparam endpointSubnetId = '/x/subnets/b'",
        ["appSubnetId and endpointSubnetId need vnetEnabled=true"],
    ),
    "one subnet of two": (
        f"{NAMED}param vnetEnabled = true\nparam appSubnetId = '/x/subnets/a'",
        ["appSubnetId and endpointSubnetId go together"],
    ),
    "an alert that would look further back than it can": (
        f"{NAMED}param noDrainMinutes = 1441",
        ["BCP327", "1440"],
    ),
    "a network that is too small": (
        f"{NAMED}param vnetEnabled = true\nparam vnetAddressPrefix = '10.0.0.0/24'",
        ["vnetAddressPrefix is 10.0.0.0/24", "/23 or larger"],
    ),
}

LOCK = '"receiveLockDurationInSeconds": 60'


Refusals = dict[str, Future[str]]


@pytest.fixture(scope="module")
def refusals(
    request: pytest.FixtureRequest,
    running: Compilers,
    tmp_path_factory: pytest.TempPathFactory,
) -> Refusals:
    """What is said to each of them, asked side by side."""
    folder = tmp_path_factory.mktemp("bad")
    asked: Refusals = {}
    for what in chosen(request, "test_a_parameter_is_refused"):
        text = f"using 'main.bicep'\n{PARAMETERS[what][0]}\n"
        place = folder / str(len(asked))
        asked[what] = running.submit(partial(_refusal, place, text))
    return asked


def _refusal(folder: Path, parameters: str, compiler: Bicep) -> str:
    folder.mkdir()
    file = copied(folder) / "main.bicepparam"
    file.write_text(parameters, encoding="utf-8")
    try:
        compiler.snapshot(file)
    except Refused as refused:
        return str(refused)
    return "not refused"


@pytest.mark.parametrize("what", PARAMETERS)
def test_a_parameter_is_refused(what: str, refusals: Refusals) -> None:
    """With its name, and what is allowed."""
    answer = refusals[what].result()

    assert [part for part in PARAMETERS[what][1] if part not in answer] == [], answer


def test_every_problem_is_named_at_once(running: Compilers, folder: Path) -> None:
    """One round of corrections is enough; and nothing is deployed around them."""
    change = Change("moderation/topology.json", LOCK, LOCK.replace("60", "10"))
    file = copied(folder, change) / "bad.bicepparam"
    text = f"using 'main.bicep'\n{NAMED}param auditContainer = 'activity'\n"
    file.write_text(text, encoding="utf-8")

    with pytest.raises(Refused) as refused:
        running.snapshot(file)

    assert "Not deployed. topology.json: sub-flagged: " in str(refused.value)
    assert "receiveLockDurationInSeconds is 10, and may be 60 to 300" in str(
        refused.value
    )
    assert "auditContainer and activityContainer must differ" in str(refused.value)

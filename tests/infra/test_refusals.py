"""Bad parameters and topologies are refused before anything is made, in words.

What the types can say, the compiler says; the rest is `fail()` with every problem at once.
"""

from concurrent.futures import Future
from functools import partial
from pathlib import Path

import pytest

from tests.infra.compiling import Bicep, Change, Compilers, Refused, copied
from tests.infra.conftest import chosen

TOPOLOGY = "moderation/topology.json"
NAMED = "param environmentName = 'dev'\nparam location = 'swedencentral'\n"

PARAMETERS = {
    "a region that has not both services": (
        "param environmentName = 'dev'\nparam location = 'chinanorth'",
        ["location is chinanorth", "swedencentral", "anyRegion=true"],
    ),
    "a name with other characters": (
        "param environmentName = 'dev_1'\nparam location = 'swedencentral'",
        ["environmentName is dev_1", "letters, digits and hyphens"],
    ),
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
    "a namespace name with a dot": (
        f"{NAMED}param namespaceName = 'name.space'",
        ["namespaceName", "letters, digits and hyphens"],
    ),
    "an app name that is too long": (
        f"{NAMED}param functionAppName = '{'f' * 61}'",
        ["BCP332", "60"],
    ),
    "a storage name that is too long": (
        f"{NAMED}param hostStorageName = '{'s' * 25}'",
        ["BCP332", "24"],
    ),
    "a storage name with capitals": (
        f"{NAMED}param dataStorageName = 'DataStorage'",
        ["dataStorageName", "lower-case letters and digits"],
    ),
    "a storage name that is taken by the other account": (
        f"{NAMED}param hostStorageName = 'same'\nparam dataStorageName = 'same'",
        ["hostStorageName and dataStorageName must differ"],
    ),
    "a container that is taken by another use": (
        f"{NAMED}param auditContainer = 'dead-letters'",
        ["auditContainer", "deadLetterContainer", "must differ"],
    ),
    "a container with capitals": (
        f"{NAMED}param auditContainer = 'Audit'",
        ["auditContainer", "lower-case letters, digits and hyphens"],
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
    "a Python that is not tried": (
        f"{NAMED}param pythonVersion = '3.14'",
        ["'3.12' | '3.13'"],
    ),
    "more instances than there can be": (
        f"{NAMED}param maximumInstanceCount = 1001",
        ["BCP327", "1000"],
    ),
    "too many lanes": (f"{NAMED}param pullFlaggedLanes = 17", ["BCP327", "16"]),
    "lanes without the memory for them": (
        f"{NAMED}param pullFlaggedLanes = 16\nparam instanceMemoryMB = 4096\n"
        "param regionalMemoryQuotaMB = 65536",
        ["pullFlaggedLanes", "need 73728 MB", "regionalMemoryQuotaMB is 65536"],
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
        f"{NAMED}param handlerTimeoutSeconds = 575",
        [
            "pullBudgetSeconds and handlerTimeoutSeconds add up to 600",
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
    "a network that is too small": (
        f"{NAMED}param vnetEnabled = true\nparam vnetAddressPrefix = '10.0.0.0/24'",
        ["vnetAddressPrefix is 10.0.0.0/24", "/23 or larger"],
    ),
    "a window that no alert has": (
        f"{NAMED}param noDrainMinutes = 20",
        ["120 | 1440 | 15"],
    ),
}

LOCK = '"receiveLockDurationInSeconds": 60'
COUNT = '"maxDeliveryCount": 10'
LIVES = '"eventTimeToLive": "P1D"'
DAYS = '"eventRetentionInDays": 1'
TOPOLOGIES = {
    "a lock that is too short": (
        LOCK,
        LOCK.replace("60", "59"),
        "sub-flagged: receiveLockDurationInSeconds is 59, and may be 60 to 300",
    ),
    "a lock that is too long": (
        LOCK,
        LOCK.replace("60", "301"),
        "receiveLockDurationInSeconds is 301, and may be 60 to 300",
    ),
    "no delivery": (
        COUNT,
        COUNT.replace("10", "0"),
        "maxDeliveryCount is 0, and may be 1 to 10",
    ),
    "too many deliveries": (
        COUNT,
        COUNT.replace("10", "11"),
        "maxDeliveryCount is 11, and may be 1 to 10",
    ),
    "a life beyond the topic's": (
        LIVES,
        LIVES.replace("P1D", "P1DT1S"),
        "eventTimeToLive is P1DT1S, longer than eventRetentionInDays (1)",
    ),
    "a life shorter than the lock": (
        LIVES,
        LIVES.replace("P1D", "PT59S"),
        "eventTimeToLive is PT59S, and must be at least PT1M",
    ),
    "too long a retention": (
        DAYS,
        DAYS.replace("1", "8"),
        "eventRetentionInDays is 8, and may be 1 to 7",
    ),
    "two of one name": (
        '"name": "sub-approved"',
        '"name": "Sub-Flagged"',
        "eventSubscriptions: two have the same name",
    ),
    "a name with a dot": (
        '"name": "sub-approved"',
        '"name": "sub.approved"',
        "sub.approved: name must be 3 to 50 letters, digits or hyphens",
    ),
    "a topic name that is too short": (
        '"moderation-events"',
        '"me"',
        "topic must be 3 to 50 letters, digits or hyphens",
    ),
    "no dead-letter container": (
        '"dead-letters"',
        '""',
        "deadLetterContainer must be 3 to 63 characters",
    ),
}


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
        asked[what] = running.submit(partial(_refusal, place, (), text))
    for what in chosen(request, "test_a_topology_is_refused"):
        old, new, _ = TOPOLOGIES[what]
        changes, place = (Change(TOPOLOGY, old, new),), folder / str(len(asked))
        asked[what] = running.submit(partial(_refusal, place, changes, None))
    return asked


def _refusal(
    folder: Path, changes: tuple[Change, ...], parameters: str | None, compiler: Bicep
) -> str:
    folder.mkdir()
    file = copied(folder, *changes) / "main.bicepparam"
    if parameters is not None:
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


@pytest.mark.parametrize("what", TOPOLOGIES)
def test_a_topology_is_refused(what: str, refusals: Refusals) -> None:
    """With the event subscription, the property, and what is allowed."""
    answer = refusals[what].result()

    assert "Not deployed. topology.json: " in answer
    assert TOPOLOGIES[what][2] in answer


def test_every_problem_is_named_at_once(running: Compilers, folder: Path) -> None:
    """One round of corrections is enough."""
    infra = copied(folder, Change(TOPOLOGY, LOCK, LOCK.replace("60", "10")))
    file = infra / "bad.bicepparam"
    file.write_text(
        f"using 'main.bicep'\n{NAMED}param hostStorageName = 'Host'\n", encoding="utf-8"
    )

    with pytest.raises(Refused) as refused:
        running.snapshot(file)

    assert "receiveLockDurationInSeconds is 10" in str(refused.value)
    assert "hostStorageName" in str(refused.value)


def test_any_region_can_be_insisted_on(running: Compilers, folder: Path) -> None:
    """regions.json need not know the newest."""
    file = copied(folder) / "new.bicepparam"
    text = "param environmentName = 'dev'\nparam location = 'newzealandnorth'\n"
    file.write_text(f"using 'main.bicep'\n{text}param anyRegion = true\n", "utf-8")

    assert running.snapshot(file)["predictedResources"]

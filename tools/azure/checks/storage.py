"""The storage accounts: their containers, and whether Event Grid gets through to them."""

from collections.abc import Iterator

from tools.azure.checks.resources import DEPLOY
from tools.azure.checks.roles import account_of, dead_letter_account
from tools.azure.deployment import Deployment, Json, declared, dig
from tools.azure.finding import Finding, Level


def check_access(actual: Deployment) -> Iterator[Finding]:
    """Yield missing containers, firewalls that keep Event Grid out, open doors."""
    if not actual.was_answered("storage_accounts"):
        return
    for wanted, account, without in (
        _containers(actual) if actual.was_answered("containers") else ()
    ):
        there = {container["name"] for container in actual.containers.get(account, [])}
        if account and wanted not in there:
            yield Finding(
                f"container {wanted}",
                f"is not in {account}: {without}",
                f"{DEPLOY}, or `az storage container create --name {wanted} "
                f"--account-name {account} --auth-mode login`",
            )
    for storage_account in actual.storage_accounts:
        yield from _exposure(storage_account, dead_letter_account(actual))


def _containers(actual: Deployment) -> Iterator[tuple[str, str, str]]:
    """Yield a container's name, its account's, and what happens without it."""
    settings = actual.settings
    data = account_of(actual, settings.get("AUDIT_STORAGE_ACCOUNT_URL", ""))
    account = data.rpartition("/")[2]
    without = "nothing is recorded, so nothing is settled"
    yield settings.get("AUDIT_CONTAINER") or "audit", account, without
    yield settings.get("ACTIVITY_CONTAINER") or "activity", account, "charts are empty"
    dead = dead_letter_account(actual).rpartition("/")[2]
    inside = account_of(actual, dead).rpartition("/")[2]
    yield declared()["deadLetterContainer"], inside, "dead letters are dropped"


def _exposure(account: Json, dead_letters: str) -> Iterator[Finding]:
    where = f"storage account {account['name']}"
    properties = account["properties"]
    rules = properties.get("networkAcls") or {}
    closed = (
        rules.get("defaultAction") == "Deny"
        and "AzureServices" not in str(rules.get("bypass"))
    ) or properties.get("publicNetworkAccess") == "Disabled"
    if account["id"].lower() == dead_letters.lower() and closed:
        yield Finding(
            where,
            "its firewall keeps Event Grid out: dead letters are dropped after two days",
            f"`az storage account update --ids {account['id']} --public-network-access "
            "Enabled --default-action Allow`: without a role nobody gets in",
        )
    if properties.get("allowSharedKeyAccess") is not False:
        yield Finding(
            where,
            "takes shared keys",
            f"`az storage account update --ids {account['id']} "
            "--allow-shared-key-access false`",
            Level.LOOK,
        )
    if dig(account, "properties", "allowBlobPublicAccess"):
        yield Finding(
            where,
            "allows containers to be public",
            f"`az storage account update --ids {account['id']} "
            "--allow-blob-public-access false`",
            Level.LOOK,
        )


def check_proof(actual: Deployment) -> Iterator[Finding]:
    """Yield what a probe showed of dead letters, or that nobody can know."""
    where = "dead letters"
    if actual.proof is None:
        if why := _why_unproven(actual):
            problem = f"are unproven: {why}"
            do = "`python3 dev.py status --prove` rejects a probe and waits for its own"
            yield Finding(where, problem, do, Level.UNKNOWN)
    elif "problem" in actual.proof:
        level = Level(actual.proof["level"])
        how = "are unproven" if level is Level.UNKNOWN else "do not arrive"
        problem = f"{how}: {actual.proof['problem']}"
        yield Finding(where, problem, actual.proof["do"], level)


def _why_unproven(actual: Deployment) -> str:
    """Return why dead letters may be lost although all is as deployed, or ''."""
    account = dead_letter_account(actual).lower()
    for storage_account in actual.storage_accounts:
        if storage_account["id"].lower() == account and _trusts_azure(storage_account):
            return (
                "the account's firewall lets in trusted services, and Microsoft's list of "
                "those has no Event Grid namespaces"
            )
    network = dig(actual.namespace, "properties") or {}
    if network.get("publicNetworkAccess") == "Disabled" or network.get(
        "inboundIpRules"
    ):
        return (
            "the namespace is private, and no document says how it reaches storage then"
        )
    return ""


def _trusts_azure(account: Json) -> bool:
    """Return whether its firewall lets in trusted services and nobody else."""
    rules = account["properties"].get("networkAcls") or {}
    denies = rules.get("defaultAction") == "Deny"
    return denies and "AzureServices" in str(rules.get("bypass"))

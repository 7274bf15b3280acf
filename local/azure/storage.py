"""The storage accounts: their containers, and whether Event Grid gets through to them."""

from collections.abc import Iterator

from local.azure.deployment import Deployment, Json, declared, dig
from local.azure.findings import Finding, Level
from local.azure.roles import account_of, dead_letter_account
from local.azure.states import DEPLOY


def reachable(found: Deployment) -> Iterator[Finding]:
    """Containers that are not there, firewalls that keep Event Grid out, open doors."""
    if not found.was_answered("storage_accounts"):
        return
    for wanted, account, without in (
        _wanted(found) if found.was_answered("containers") else ()
    ):
        there = {one["name"] for one in found.containers.get(account, [])}
        if account and wanted not in there:
            yield Finding(
                f"container {wanted}",
                f"is not in {account}: {without}",
                f"{DEPLOY}, or `az storage container create --name {wanted} "
                f"--account-name {account} --auth-mode login`",
            )
    for one in found.storage_accounts:
        yield from _doors(one, dead_letter_account(found))


def _wanted(found: Deployment) -> Iterator[tuple[str, str, str]]:
    """Name of a container, of its account, and what happens without it."""
    settings = found.settings
    data = account_of(found, settings.get("AUDIT_STORAGE_ACCOUNT_URL", ""))
    account = data.rpartition("/")[2]
    without = "nothing is recorded, so nothing is settled"
    yield settings.get("AUDIT_CONTAINER") or "audit", account, without
    yield settings.get("ACTIVITY_CONTAINER") or "activity", account, "charts are empty"
    dead = dead_letter_account(found).rpartition("/")[2]
    inside = account_of(found, dead).rpartition("/")[2]
    yield declared()["deadLetterContainer"], inside, "dead letters are dropped"


def _doors(account: Json, dead_letters: str) -> Iterator[Finding]:
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
            "Enabled --default-action Deny --bypass AzureServices`",
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

"""What the deployment is held against: pins, roles, limits of names, forbidden settings."""

import json
import re
from contextlib import suppress

from moderation import function_names, settings, timers, topology
from moderation.runtime import handled
from moderation.settings import Settings, SettingsInvalid
from tools.terminal import ROOT

PINS = {
    "Microsoft.Authorization/roleAssignments": "2022-04-01",
    "Microsoft.EventGrid/namespaces": "2025-02-15",
    "Microsoft.EventGrid/namespaces/topics": "2025-02-15",
    "Microsoft.EventGrid/namespaces/topics/eventSubscriptions": "2025-02-15",
    "Microsoft.Insights/actionGroups": "2023-01-01",
    "Microsoft.Insights/components": "2020-02-02",
    "Microsoft.Insights/diagnosticSettings": "2021-05-01-preview",
    "Microsoft.Insights/metricAlerts": "2018-03-01",
    "Microsoft.Insights/scheduledQueryRules": "2023-12-01",
    "Microsoft.Insights/workbooks": "2023-06-01",
    "Microsoft.ManagedIdentity/userAssignedIdentities": "2024-11-30",
    "Microsoft.Network/networkSecurityGroups": "2025-07-01",
    "Microsoft.Network/privateDnsZones": "2024-06-01",
    "Microsoft.Network/privateDnsZones/virtualNetworkLinks": "2024-06-01",
    "Microsoft.Network/privateEndpoints": "2025-07-01",
    "Microsoft.Network/privateEndpoints/privateDnsZoneGroups": "2025-07-01",
    "Microsoft.Network/virtualNetworks": "2025-07-01",
    "Microsoft.Network/virtualNetworks/subnets": "2025-07-01",
    "Microsoft.OperationalInsights/workspaces": "2025-07-01",
    "Microsoft.Storage/storageAccounts": "2025-08-01",
    "Microsoft.Storage/storageAccounts/blobServices": "2025-08-01",
    "Microsoft.Storage/storageAccounts/blobServices/containers": "2025-08-01",
    "Microsoft.Storage/storageAccounts/blobServices/containers/immutabilityPolicies": "2025-08-01",
    "Microsoft.Storage/storageAccounts/managementPolicies": "2025-08-01",
    "Microsoft.Web/serverfarms": "2025-03-01",
    "Microsoft.Web/sites": "2025-03-01",
    "Microsoft.Web/sites/config": "2025-03-01",
}
ROLES = {
    "d5a91429-5739-47e2-a06b-3470a27159e7": "EventGrid Data Sender",
    "78cbd9e7-9798-4e2e-9b5a-547d9ebb31fb": "EventGrid Data Receiver",
    "b7e6dc6d-f1e8-4753-8033-0f276bb0955b": "Storage Blob Data Owner",
    "ba92f5b4-2d11-453d-a403-e96b0029c9fe": "Storage Blob Data Contributor",
    "3913510d-42f4-4e42-8a64-420c390055eb": "Monitoring Metrics Publisher",
}
# The part of a name after its parent's, as Azure takes it.
NAMES = {
    "Microsoft.EventGrid/namespaces": r"[A-Za-z0-9-]{3,50}",
    "Microsoft.EventGrid/namespaces/topics": r"[A-Za-z0-9-]{3,50}",
    "Microsoft.EventGrid/namespaces/topics/eventSubscriptions": r"[A-Za-z0-9-]{3,50}",
    "Microsoft.Insights/actionGroups": r"[\w.-]{1,260}",
    "Microsoft.Insights/components": r"[\w.()-]{1,255}",
    "Microsoft.Insights/metricAlerts": r"[\w.-]{1,260}",
    "Microsoft.Insights/scheduledQueryRules": r"[\w.-]{1,260}",
    "Microsoft.Insights/workbooks": r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}",
    "Microsoft.ManagedIdentity/userAssignedIdentities": r"[A-Za-z0-9][\w-]{2,127}",
    "Microsoft.Network/networkSecurityGroups": r"[A-Za-z0-9][\w.-]{0,78}\w",
    "Microsoft.Network/privateEndpoints": r"[A-Za-z0-9][\w.-]{0,62}\w",
    "Microsoft.Network/virtualNetworks": r"[A-Za-z0-9][\w.-]{0,62}\w",
    "Microsoft.OperationalInsights/workspaces": r"[A-Za-z0-9][A-Za-z0-9-]{2,61}[A-Za-z0-9]",
    "Microsoft.Storage/storageAccounts": r"[a-z0-9]{3,24}",
    "Microsoft.Storage/storageAccounts/blobServices/containers": r"(?=.{3,63}$)[a-z0-9]+(-[a-z0-9]+)*",
    "Microsoft.Web/serverfarms": r"[A-Za-z0-9-]{1,60}",
    "Microsoft.Web/sites": r"[A-Za-z0-9][A-Za-z0-9-]{0,58}[A-Za-z0-9]",
}
UNTAGGED = {
    "Microsoft.Authorization/roleAssignments",
    "Microsoft.EventGrid/namespaces/topics",
    "Microsoft.EventGrid/namespaces/topics/eventSubscriptions",
    "Microsoft.Insights/diagnosticSettings",
    "Microsoft.Network/privateEndpoints/privateDnsZoneGroups",
    "Microsoft.Storage/storageAccounts/blobServices",
    "Microsoft.Storage/storageAccounts/blobServices/containers",
    "Microsoft.Storage/storageAccounts/blobServices/containers/immutabilityPolicies",
    "Microsoft.Storage/storageAccounts/managementPolicies",
    "Microsoft.Web/sites/config",
}
METRICS = {
    *("SuccessfulPublishedEvents", "FailedPublishedEvents", "MatchedEventCount"),
    *("UnmatchedEventCount", "SuccessfulReceivedEvents", "FailedReceivedEvents"),
    *("SuccessfulAcknowledgedEvents", "FailedAcknowledgedEvents"),
    *("SuccessfulReleasedEvents", "FailedReleasedEvents", "DeadLetteredCount"),
    *("DroppedEventCount", "PublishLatencyInMilliseconds", "NamespaceThroughputUnits"),
    *("ReceiveLatencyInMilliseconds", "AcknowledgeLatencyInMilliseconds"),
}
# What the host reads, not the app.
HOST_SETTINGS = {
    *("AzureWebJobsStorage__accountName", "AzureWebJobsStorage__credential"),
    *("AzureWebJobsStorage__clientId", "APPLICATIONINSIGHTS_CONNECTION_STRING"),
    *("APPLICATIONINSIGHTS_AUTHENTICATION_STRING", "AZURE_CLIENT_ID"),
}
CHOSEN_SETTINGS = {
    *("AzureWebJobs.publish_samples.Disabled", "OVERRIDE_USE_MI_FIC_ASSERTION_CLIENTID")
}
# In Azure the app has an identity instead.
LOCAL_SETTINGS = {"EVENTGRID_KEY", "AUDIT_STORAGE_CONNECTION_STRING"}
FORBIDDEN_ON_FLEX = re.compile(
    r"FUNCTIONS_WORKER_RUNTIME(_VERSION)?|FUNCTIONS_EXTENSION_VERSION|AzureWebJobsStorage"
    r"|WEBSITE_RUN_FROM_PACKAGE|WEBSITE_CONTENT\w+|WEBSITE_TIME_ZONE|TZ"
    r"|SCM_DO_BUILD_DURING_DEPLOYMENT|ENABLE_ORYX_BUILD|\w*(_KEY|_CONNECTION_STRING)"
)
# All that Microsoft's own templates send; what is not here is refused, or ignored.
SITE_CONFIG_ON_FLEX = {"minTlsVersion", "appSettings"}
SECRET_FREE = "APPLICATIONINSIGHTS_CONNECTION_STRING"
TOPOLOGY = json.loads(
    (ROOT / "moderation" / "topology.json").read_text(encoding="utf-8")
)


class _Recording(dict[str, str]):
    """An empty environment that remembers what it was asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: set[str] = set()

    def get(self, name: str, default: str | None = None) -> str | None:  # type: ignore[override]
        self.asked.add(name)
        return default


def settings_read() -> set[str]:
    """Every setting that the code asks its environment for."""
    environ = _Recording()
    with suppress(SettingsInvalid):
        Settings.from_environ(environ, topic="some-topic")
    timers.of(topology.load().names, environ, handled())
    return environ.asked | settings.OTHERWISE.keys()  # these the library reads


def settings_documented() -> set[str]:
    """Every setting in the table of docs/settings.md."""
    text = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (`[^|]+) \|", text, re.MULTILINE)
    prefixes = [function_names.function(name).upper() for name in topology.load().names]
    return {
        name.replace("PULL_<NAME>", prefix)
        for row in rows
        for name in re.findall(r"`([\w<>]+)`", row)
        for prefix in prefixes
    }

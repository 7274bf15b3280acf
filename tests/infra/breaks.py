"""Changes of the Bicep for the worse, each with the claim that must notice."""

from collections.abc import Callable
from typing import Any, NamedTuple

from tests.infra import (
    test_choices,
    test_policies_app,
    test_policies_event_grid,
    test_policies_safety,
    test_policies_watching,
    test_template,
)

POLICIES: dict[str, Callable[..., Any]] = {
    name: claim
    for module in (
        test_policies_app,
        test_policies_event_grid,
        test_policies_safety,
        test_policies_watching,
    )
    for name, claim in vars(module).items()
    if name.startswith("test_")
}
STORAGE = "infra/modules/storage-account.bicep"
EVENT_GRID = "infra/modules/event-grid.bicep"
SUBSCRIPTIONS = "infra/modules/event-subscriptions.bicep"
ROLES, APP = "infra/modules/roles.bicep", "infra/modules/function-app.bicep"
MONITORING, ALERTS = "infra/modules/monitoring.bicep", "infra/modules/alerts.bicep"
PRIVATE, MAIN = "infra/modules/private-endpoints.bicep", "infra/main.bicep"
NETWORK, TOPOLOGY = "infra/modules/network.bicep", "infra/topology.bicep"


class Break(NamedTuple):
    """A change for the worse, and the claim that must not survive it."""

    file: str
    old: str
    new: str
    claim: Callable[..., Any]
    parameters: str = "default"


def _p(file: str, old: str, new: str, claim: str, parameters: str = "default") -> Break:
    return Break(file, old, new, POLICIES[f"test_{claim}"], parameters)


BREAKS = {
    "a shared key": _p(
        STORAGE,
        "allowSharedKeyAccess: false",
        "allowSharedKeyAccess: true",
        "no_storage_account_takes_a_shared_key",
    ),
    "a public account": _p(
        STORAGE,
        "allowBlobPublicAccess: false",
        "allowBlobPublicAccess: true",
        "no_blob_is_public",
    ),
    "a public container": _p(
        STORAGE, "publicAccess: 'None'", "publicAccess: 'Blob'", "no_blob_is_public"
    ),
    "an old TLS": _p(STORAGE, "'TLS1_2'", "'TLS1_0'", "every_connection_is_encrypted"),
    "plain HTTP": _p(
        APP, "httpsOnly: true", "httpsOnly: false", "every_connection_is_encrypted"
    ),
    **{
        f"a site property that Flex refuses: {name}": _p(
            APP,
            "minTlsVersion: '1.2'\n",
            f"minTlsVersion: '1.2'\n      {name}: {value}\n",
            "the_app_has_only_site_properties_that_flex_consumption_takes",
        )
        for name, value in {
            "ftpsState": "'Disabled'",
            "use32BitWorkerProcess": "false",
            "preWarmedInstanceCount": "1",
            "netFrameworkVersion": "'v8.0'",
            "functionsRuntimeScaleMonitoringEnabled": "true",
            "linuxFxVersion": "'PYTHON|3.13'",
            "alwaysOn": "false",
        }.items()
    },
    "telemetry from anybody": _p(
        MONITORING,
        "DisableLocalAuth: true",
        "DisableLocalAuth: false",
        "telemetry_needs_an_identity",
    ),
    "another region": _p(
        MONITORING,
        "  location: place.location\n",
        "  location: toUpper(place.location)\n",
        "everything_is_where_it_was_asked_to_be",
    ),
    "no soft delete": _p(
        STORAGE,
        "deleteRetentionPolicy: { enabled: true,",
        "deleteRetentionPolicy: { enabled: false,",
        "what_is_deleted_can_be_brought_back",
    ),
    "another retention": _p(
        EVENT_GRID,
        "topology.eventRetentionInDays",
        "7",
        "the_topic_is_as_the_topology_declares",
    ),
    "another lock": _p(
        SUBSCRIPTIONS,
        "receiveLockDurationInSeconds: subscription.receiveLockDurationInSeconds",
        "receiveLockDurationInSeconds: 120",
        "each_event_subscription_is_as_the_topology_declares",
    ),
    "another delivery count": _p(
        SUBSCRIPTIONS,
        "maxDeliveryCount: subscription.maxDeliveryCount",
        "maxDeliveryCount: 3",
        "each_event_subscription_is_as_the_topology_declares",
    ),
    "no filter": _p(
        SUBSCRIPTIONS,
        "includedEventTypes: subscription.?filtersConfiguration.?includedEventTypes",
        "includedEventTypes: null",
        "each_event_subscription_is_as_the_topology_declares",
    ),
    "a missing event subscription": _p(
        SUBSCRIPTIONS,
        "for subscription in topology.eventSubscriptions",
        "for subscription in take(topology.eventSubscriptions, 2)",
        "each_event_subscription_is_as_the_topology_declares",
    ),
    "event subscriptions in the first of two passes": _p(
        MAIN,
        "createEventSubscriptions bool = createRoleAssignments",
        "createEventSubscriptions bool = true",
        "each_event_subscription_is_as_the_topology_declares",
        "no-role-assignments",
    ),
    "dead letters elsewhere": _p(
        SUBSCRIPTIONS,
        "blobContainerName: topology.deadLetterContainer",
        "blobContainerName: 'rejected'",
        "every_event_subscription_dead_letters_with_the_namespaces_identity",
    ),
    "dead letters among the entries": _p(
        MAIN,
        "    deadLetterAccountName: names.deadLetterStorage\n",
        "    deadLetterAccountName: names.dataStorage\n",
        "every_event_subscription_dead_letters_with_the_namespaces_identity",
    ),
    "a namespace without identity": _p(
        EVENT_GRID,
        "identity: { type: 'SystemAssigned' }",
        "identity: { type: 'None' }",
        "every_event_subscription_dead_letters_with_the_namespaces_identity",
    ),
    "a firewall against Event Grid": _p(
        MAIN,
        "    closed: false\n",
        "    closed: vnetEnabled\n",
        "event_grid_always_reaches_the_dead_letters",
        "closed",
    ),
    "a role on the whole account": _p(
        ROLES,
        "...granted(users, writer, containerPaths[2], '')",
        "...granted(users, writer, names.deadLetterStorage, '')",
        "every_role_is_assigned_at_its_smallest_scope",
    ),
    "a role on the whole namespace": _p(
        ROLES,
        "scope: namespace::topic\n",
        "scope: namespace\n",
        "every_role_is_assigned_at_its_smallest_scope",
    ),
    "a role of the namespace where its documentation has none": _p(
        ROLES,
        "...granted([eventGrid], writer, names.deadLetterStorage, '')",
        "...granted([eventGrid], writer, containerPaths[2], '')",
        "every_role_is_assigned_at_its_smallest_scope",
    ),
    "a role that can do more": _p(
        "infra/roles.json",
        "ba92f5b4-2d11-453d-a403-e96b0029c9fe",
        "b7e6dc6d-f1e8-4753-8033-0f276bb0955b",
        "every_role_is_assigned_at_its_smallest_scope",
    ),
    "a role that nobody may assign": _p(
        ROLES,
        "grant.on == 'the topic'): if (assign)",
        "grant.on == 'the topic'): if (true)",
        "every_role_is_assigned_at_its_smallest_scope",
        "no-role-assignments",
    ),
    "roles of a developer that nobody asked for": _p(
        MAIN,
        "developerIds: developerRoles ? [developerId] : []",
        "developerIds: developerRoles || true ? [developerId] : []",
        "every_role_is_assigned_at_its_smallest_scope",
        "closed",
    ),
    "a type that is a guess": _p(
        ROLES,
        "{ who: 'the developer', id: id }",
        "{ who: 'the developer', id: id, type: 'ServicePrincipal' }",
        "every_role_assignment_can_be_made_again",
    ),
    "an assignment that outlives its principal": _p(
        ROLES,
        "guid(component.id, grant.properties.principalId, roleIdOf(grant))",
        "guid(component.id, roleIdOf(grant))",
        "every_role_assignment_can_be_made_again",
    ),
    "entries that the app can delete": _p(
        "infra/append-only.condition",
        "blobs/delete'",
        "blobs/deleteBlobVersion/action'",
        "what_is_recorded_can_only_be_appended_to",
    ),
    "entries that the app can overwrite": _p(
        ROLES,
        "...granted(users, writer, containerPaths[0], condition)",
        "...granted(users, writer, containerPaths[0], '')",
        "what_is_recorded_can_only_be_appended_to",
    ),
    "a setting that is missing": _p(
        MAIN,
        "  PULL_BUDGET_SECONDS: '${pullBudgetSeconds}'\n",
        "",
        "the_app_gets_every_setting_that_its_code_reads",
    ),
    "a setting that nobody reads": _p(
        MAIN,
        "  AUDIT_CONTAINER: auditContainer\n",
        "  AUDIT_CONTAINER: auditContainer\n  AUDIT_TABLE: 'audit'\n",
        "the_app_gets_every_setting_that_its_code_reads",
    ),
    "a key": _p(
        MAIN,
        "  AUDIT_CONTAINER: auditContainer\n",
        "  AUDIT_CONTAINER: auditContainer\n  EVENTGRID_KEY: 'key'\n",
        "the_app_gets_no_setting_that_flex_consumption_forbids",
    ),
    "a setting that Flex forbids": _p(
        APP,
        "  AZURE_CLIENT_ID: identityClientId\n",
        "  AZURE_CLIENT_ID: identityClientId\n  FUNCTIONS_WORKER_RUNTIME: 'python'\n",
        "the_app_gets_no_setting_that_flex_consumption_forbids",
    ),
    "a budget as long as the function may take": _p(
        MAIN,
        "'${pullBudgetSeconds}'",
        "'1800'",
        "the_apps_own_checks_find_nothing_wrong_with_its_settings",
    ),
    "no credential for the host": _p(
        APP,
        "'managedidentity'",
        "'key'",
        "the_host_uses_its_storage_with_the_apps_identity",
    ),
    "another Python": _p(
        APP, "version: '3.13'", "version: '3.12'", "the_app_runs_on_flex_consumption"
    ),
    "another API version": _p(
        APP,
        "serverfarms@2025-03-01",
        "serverfarms@2024-11-01",
        "every_api_version_is_the_one_we_tried",
    ),
    "a name that is too long": _p(
        MAIN,
        "'evgns-${suffix}'",
        "'event-grid-${suffix}'",
        "every_name_is_one_that_azure_takes",
        "longest-names",
    ),
    "a service that azd does not find": _p(
        APP,
        "'azd-service-name': 'app'",
        "'azd-service-name': 'api'",
        "everything_belongs_to_its_azd_environment",
    ),
    "something without tags": _p(
        NETWORK,
        "  tags: place.tags\n",
        "  tags: { 'azd-env-name': place.tags['azd-env-name'] }\n",
        "everything_has_the_tags_that_were_asked_for",
        "locked-down",
    ),
    "a metric that is no more": _p(
        ALERTS,
        "'DroppedEventCount'",
        "'DroppedEvents'",
        "somebody_is_told_when_events_are_lost_or_about_to_be",
    ),
    "one bad event that wakes somebody": _p(
        ALERTS,
        "metric: 'DeadLetteredCount'\n    severity: 3",
        "metric: 'DeadLetteredCount'\n    severity: 1",
        "somebody_is_told_when_events_are_lost_or_about_to_be",
    ),
    "an outage that wakes nobody": _p(
        ALERTS,
        "name: 'publishing-fails'\n    severity: 1",
        "name: 'publishing-fails'\n    severity: 2",
        "somebody_is_told_what_only_the_logs_know",
    ),
    "an alert before the first drain": _p(
        ALERTS,
        "? null : 'P2D'",
        "? null : 'PT15M'",
        "somebody_is_told_when_an_event_subscription_is_not_drained",
    ),
    "lanes that do not count": _p(
        ALERTS,
        "(_([2-9]|1[0-6]))?",
        "",
        "somebody_is_told_when_an_event_subscription_is_not_drained",
    ),
    "an alert that is off": _p(
        ALERTS,
        "enabled: true\n      autoMitigate",
        "enabled: false\n      autoMitigate",
        "every_alert_reaches_the_action_group",
    ),
    "an alert of another app": _p(
        ALERTS,
        'AppRoleName =~ "${functionAppName}"',
        'AppRoleName =~ "${functionAppName}-2"',
        "every_alert_reaches_the_action_group",
    ),
    "deletions that nobody hears of": _p(
        MAIN,
        "    blobTypes: ['appendBlob']\n    workspaceId: workspaceId\n",
        "    blobTypes: ['appendBlob']\n",
        "refused_requests_and_deletions_are_on_record",
    ),
    "a rule for blobs that are not there": _p(
        MAIN,
        "blobTypes: ['appendBlob']",
        "blobTypes: ['blockBlob']",
        "old_blobs_go_where_a_rule_says_so",
    ),
    "an open door": _p(
        STORAGE,
        "closed && empty(allowedIpRanges) ? 'Disabled' : 'Enabled'",
        "'Enabled'",
        "a_private_network_closes_every_door",
        "closed",
    ),
    "a subnet without a security group": _p(
        NETWORK,
        "          networkSecurityGroup: { id: rules.id }\n",
        "",
        "a_network_that_is_made_has_what_policies_ask_for",
        "locked-down",
    ),
    "an endpoint of another service": _p(
        PRIVATE,
        "    group: 'blob'\n",
        "    group: 'file'\n",
        "private_endpoints_lead_to_everything_the_app_talks_to",
        "locked-down",
    ),
    "an endpoint with another's names": _p(
        PRIVATE,
        "zoneIds.?blob ?? own[1]",
        "zoneIds.?blob ?? own[0]",
        "private_endpoints_lead_to_everything_the_app_talks_to",
        "locked-down",
    ),
    "lanes that are not passed on": _p(
        MAIN,
        "string(lanes[?name] ?? 1)",
        "'1'",
        "what_is_kept_warm_is_there",
        "large",
    ),
    "a manner that is not passed on": _p(
        MAIN,
        "manners[?name] ?? 'visit'",
        "'visit'",
        "every_event_subscription_has_its_settings",
        "large",
    ),
    "a pace that is not passed on": _p(
        MAIN,
        "paces[?name] ?? '0.8'",
        "'0.8'",
        "every_event_subscription_has_its_settings",
        "large",
    ),
    "an exception that is not passed on": _p(
        MAIN,
        "schedules[?name] ?? '0 */5 * * * *'",
        "'0 */5 * * * *'",
        "every_event_subscription_has_its_settings",
        "large",
    ),
    "a namespace that stays open": Break(
        EVENT_GRID,
        "closed && empty(allowedIpRanges) ? 'Disabled' : 'Enabled'",
        "'Enabled'",
        test_choices.test_a_private_network_without_exceptions_closes_the_namespace,
        "closed",
    ),
    "capacity that is not passed on": Break(
        EVENT_GRID,
        "capacity: throughputUnits",
        "capacity: min(throughputUnits, 1)",
        test_choices.test_capacity_is_what_was_asked_for,
        "large",
    ),
    "one zone": Break(
        APP,
        "zoneRedundant: zoneRedundant",
        "zoneRedundant: zoneRedundant && false",
        test_choices.test_zone_redundancy_is_everywhere_or_nowhere,
        "locked-down",
    ),
    "an API that answers with a web page": Break(
        APP,
        "requireAuthentication: false, unauthenticatedClientAction: 'AllowAnonymous'",
        "requireAuthentication: true, unauthenticatedClientAction: 'RedirectToLoginPage'",
        test_choices.test_people_sign_in_where_an_app_registration_is_given,
        "locked-down",
    ),
    "a sign-in that cannot be switched off": Break(
        APP,
        "resource auth 'config' = {",
        "resource auth 'config' = if (!empty(authClientId)) {",
        test_choices.test_people_sign_in_where_an_app_registration_is_given,
    ),
    "entries that can be changed": Break(
        STORAGE,
        "allowProtectedAppendWrites: true",
        "allowProtectedAppendWrites: false",
        test_choices.test_audit_entries_can_be_made_immutable,
        "locked-down",
    ),
    "event subscriptions that do not wait": Break(
        MAIN,
        "  dependsOn: [functionApp, alerts, workbook]\n",
        "  dependsOn: [roles]\n",
        test_template.test_event_subscriptions_come_last,
    ),
    "a role for what is not there yet": Break(
        MAIN,
        "dependsOn: [hostStorage, dataStorage, deadLetterStorage, monitoring]",
        "dependsOn: [hostStorage, dataStorage, monitoring]",
        test_template.test_event_subscriptions_come_last,
    ),
    "an app before its endpoints": Break(
        MAIN,
        "dependsOn: [roles, privateEndpoints]",
        "dependsOn: [roles]",
        test_template.test_the_app_starts_when_everything_it_needs_is_there,
    ),
}

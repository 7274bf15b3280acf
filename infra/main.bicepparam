using 'main.bicep'

import { entry, flag, text, whole } from 'types.bicep'

// One variable for each parameter: `azd env set NAME VALUE` or the shell's own environment. README.md lists them.
// One that is not set leaves its parameter the default of main.bicep, which is what `!` is for.
param environmentName = readEnvironmentVariable('APP_PYTHON_VERSION', '3.13') == '3.13'
  ? readEnvironmentVariable('AZURE_ENV_NAME', 'dev')
  : fail('APP_PYTHON_VERSION is no more: the app runs on Python 3.13. Unset it.')
param location = text(readEnvironmentVariable('AZURE_LOCATION', ''))!
param tags = json(readEnvironmentVariable('TAGS', '{}'))
param createRoleAssignments = flag(readEnvironmentVariable('CREATE_ROLE_ASSIGNMENTS', ''))!
param createEventSubscriptions = flag(readEnvironmentVariable('CREATE_EVENT_SUBSCRIPTIONS', ''))!
param developerRoles = empty('${readEnvironmentVariable('CI', '')}${readEnvironmentVariable('TF_BUILD', '')}')
  ? flag(readEnvironmentVariable('DEVELOPER_ROLES', ''))!
  : false
param developerId = text(readEnvironmentVariable('DEVELOPER_ID', ''))!
param namespaceName = text(readEnvironmentVariable('NAMESPACE_NAME', ''))
param functionAppName = text(readEnvironmentVariable('FUNCTION_APP_NAME', ''))
param hostStorageName = text(readEnvironmentVariable('HOST_STORAGE_NAME', ''))
param dataStorageName = text(readEnvironmentVariable('DATA_STORAGE_NAME', ''))
param deadLetterStorageName = text(readEnvironmentVariable('DEAD_LETTER_STORAGE_NAME', ''))
param throughputUnits = whole(readEnvironmentVariable('THROUGHPUT_UNITS', ''))!
param zoneRedundant = flag(readEnvironmentVariable('ZONE_REDUNDANT', ''))!
param instanceMemoryMB = any(whole(readEnvironmentVariable('INSTANCE_MEMORY_MB', '')))
param maximumInstanceCount = whole(readEnvironmentVariable('MAXIMUM_INSTANCE_COUNT', ''))!
param alwaysReady = json(readEnvironmentVariable('ALWAYS_READY', '[]'))
// An event subscription that is new has no variable of its own: SCHEDULES={"sub-new":"0 * * * * *"}.
param schedules = {
  ...entry('sub-flagged', readEnvironmentVariable('PULL_FLAGGED_SCHEDULE', ''))
  ...entry('sub-approved', readEnvironmentVariable('PULL_APPROVED_SCHEDULE', ''))
  ...entry('sub-all-events', readEnvironmentVariable('PULL_ALL_EVENTS_SCHEDULE', ''))
  ...json(readEnvironmentVariable('SCHEDULES', '{}'))
}
param lanes = {
  ...json(string(mapValues(
    {
      ...entry('sub-flagged', readEnvironmentVariable('PULL_FLAGGED_LANES', ''))
      ...entry('sub-approved', readEnvironmentVariable('PULL_APPROVED_LANES', ''))
      ...entry('sub-all-events', readEnvironmentVariable('PULL_ALL_EVENTS_LANES', ''))
    },
    value => int(value)
  )))
  ...json(readEnvironmentVariable('LANES', '{}'))
}
param manners = {
  ...entry('sub-flagged', readEnvironmentVariable('PULL_FLAGGED_MANNER', ''))
  ...entry('sub-approved', readEnvironmentVariable('PULL_APPROVED_MANNER', ''))
  ...entry('sub-all-events', readEnvironmentVariable('PULL_ALL_EVENTS_MANNER', ''))
  ...json(readEnvironmentVariable('MANNERS', '{}'))
}
param paces = {
  ...entry('sub-flagged', readEnvironmentVariable('PULL_FLAGGED_PACE', ''))
  ...entry('sub-approved', readEnvironmentVariable('PULL_APPROVED_PACE', ''))
  ...entry('sub-all-events', readEnvironmentVariable('PULL_ALL_EVENTS_PACE', ''))
  ...json(readEnvironmentVariable('PACES', '{}'))
}
param pullBudgetSeconds = whole(readEnvironmentVariable('PULL_BUDGET_SECONDS', ''))!
param handlerTimeoutSeconds = whole(readEnvironmentVariable('HANDLER_TIMEOUT_SECONDS', ''))!
param payloads = any(text(readEnvironmentVariable('PAYLOADS', '')))
param publishSamples = flag(readEnvironmentVariable('PUBLISH_SAMPLES', ''))!
param auditContainer = text(readEnvironmentVariable('AUDIT_CONTAINER', ''))!
param activityContainer = text(readEnvironmentVariable('ACTIVITY_CONTAINER', ''))!
param appendOnlyAudit = flag(readEnvironmentVariable('APPEND_ONLY_AUDIT', ''))!
param auditRetentionDays = whole(readEnvironmentVariable('AUDIT_RETENTION_DAYS', ''))!
param auditImmutabilityDays = whole(readEnvironmentVariable('AUDIT_IMMUTABILITY_DAYS', ''))!
param deadLetterRetentionDays = whole(readEnvironmentVariable('DEAD_LETTER_RETENTION_DAYS', ''))!
param softDeleteDays = whole(readEnvironmentVariable('SOFT_DELETE_DAYS', ''))!
param logAnalyticsWorkspaceId = text(readEnvironmentVariable('LOG_ANALYTICS_WORKSPACE_ID', ''))!
param logRetentionDays = whole(readEnvironmentVariable('LOG_RETENTION_DAYS', ''))!
param dailyLogLimitGB = text(readEnvironmentVariable('DAILY_LOG_LIMIT_GB', ''))!
param alertEmail = text(readEnvironmentVariable('ALERT_EMAIL', ''))!
param noDrainMinutes = whole(readEnvironmentVariable('NO_DRAIN_MINUTES', ''))!
param vnetEnabled = flag(readEnvironmentVariable('VNET_ENABLED', ''))!
param vnetAddressPrefix = text(readEnvironmentVariable('VNET_ADDRESS_PREFIX', ''))!
param appSubnetId = text(readEnvironmentVariable('APP_SUBNET_ID', ''))!
param endpointSubnetId = text(readEnvironmentVariable('ENDPOINT_SUBNET_ID', ''))!
param privateDnsZoneIds = json(readEnvironmentVariable('PRIVATE_DNS_ZONE_IDS', 'null'))
param allowedIpRanges = json(readEnvironmentVariable('ALLOWED_IP_RANGES', '[]'))
param authClientId = text(readEnvironmentVariable('AUTH_CLIENT_ID', ''))!
param authTenantId = text(readEnvironmentVariable('AUTH_TENANT_ID', ''))!

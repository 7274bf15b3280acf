targetScope = 'subscription'

metadata description = 'The whole system in a resource group of its own. For one that is there already, deploy resources.bicep.'

import {
  AlertWindowMinutes
  AlwaysReady
  BudgetSeconds
  ContainerName
  EnvironmentName
  FunctionAppName
  HandlerSeconds
  ImmutabilityDays
  InstanceCount
  InstanceMemoryMB
  IpRanges
  KeepDays
  Lanes
  LogRetentionDays
  NamespaceName
  Payloads
  PrincipalType
  PythonVersion
  Schedule
  SoftDeleteDays
  StorageAccountName
  ThroughputUnits
} from 'types.bicep'

@description('Name of the resource group; made when it is missing.')
@maxLength(90)
param resourceGroupName string = 'rg-${environmentName}'

@description('Names this deployment; part of every name.')
param environmentName EnvironmentName

@description('Region. One of regions.json, unless anyRegion is set.')
@metadata({ azd: { type: 'location' } })
param location string

@description('Take a region that regions.json does not list: `az functionapp list-flexconsumption-locations` and `az provider show -n Microsoft.EventGrid` know the newest.')
param anyRegion bool = false

@description('Who deploys, and runs the app on a laptop against Azure. Empty for nobody.')
param principalId string = ''

@description('What that is; a pipeline is a ServicePrincipal.')
param principalType PrincipalType = 'User'

@description('Assign roles, for which the deployer needs to be Owner, User Access Administrator or Role Based Access Control Administrator. Otherwise the output ROLES_TO_ASSIGN lists what an administrator has to do.')
param createRoleAssignments bool = true

@description('Name of the Event Grid namespace, instead of one that is made.')
param namespaceName NamespaceName?

@description('Name of the function app, instead of one that is made.')
param functionAppName FunctionAppName?

@description('Name of the storage account of the Functions host, instead of one that is made.')
param hostStorageName StorageAccountName?

@description('Name of the storage account of audit entries and dead letters, instead of one that is made.')
param dataStorageName StorageAccountName?

@description('Capacity of the namespace, 1 to 40: one takes in 1,000 events or 1 MB a second.')
param throughputUnits ThroughputUnits = 1

@description('Spread the namespace, the app and the storage over zones. The namespace keeps what it began with.')
param zoneRedundant bool = false

@description('Python that runs the app.')
param pythonVersion PythonVersion = '3.13'

@description('Memory of an instance: 512, 2048 or 4096 MB.')
param instanceMemoryMB InstanceMemoryMB = 512

@description('How many instances each group of functions may grow to, 1 to 1000. A timer function never needs a second one. Below 40 only where the region allows it.')
param maximumInstanceCount InstanceCount = 40

@description('What is kept warm, as { name: \'function:pull_flagged\', instanceCount: 1 }; `http` for all HTTP functions. Billed round the clock.')
param alwaysReady AlwaysReady[] = []

@description('What Flex Consumption lets this subscription use in the region, in MB. Lanes and always-ready instances have to fit.')
@minValue(512)
param regionalMemoryQuotaMB int = 512000

@description('When sub-flagged is drained: six fields, UTC.')
param pullFlaggedSchedule Schedule = '0 */5 * * * *'

@description('When sub-approved is drained.')
param pullApprovedSchedule Schedule = '0 */5 * * * *'

@description('When sub-all-events is drained.')
param pullAllEventsSchedule Schedule = '0 */5 * * * *'

@description('How many seconds one drain may take, 10 to 1800; shorter than the interval of the schedules.')
param pullBudgetSeconds BudgetSeconds = 25

@description('How many seconds a handler may take over one event, 1 to 3600.')
param handlerTimeoutSeconds HandlerSeconds = 300

@description('Whether the page and the API show the data of events: `shown`, `on-request` (noted with who asked) or `never`.')
param payloads Payloads = 'on-request'

@description('How many timer functions drain sub-flagged, 1 to 16; each has an instance of its own.')
param pullFlaggedLanes Lanes = 1

@description('How many timer functions drain sub-approved.')
param pullApprovedLanes Lanes = 1

@description('How many timer functions drain sub-all-events.')
param pullAllEventsLanes Lanes = 1

@description('Offer the sample events over HTTP (`publish_samples`).')
param publishSamples bool = true

@description('Container of audit entries.')
param auditContainer ContainerName = 'audit'

@description('Container of activity summaries.')
param activityContainer ContainerName = 'activity'

@description('Days until audit entries and activity are deleted; 0 keeps them.')
param auditRetentionDays KeepDays = 365

@description('Days in which audit entries can be appended to, and neither changed nor deleted; 0 for no such rule.')
param auditImmutabilityDays ImmutabilityDays = 0

@description('Days until dead letters are deleted; 0 keeps them.')
param deadLetterRetentionDays KeepDays = 90

@description('Days in which deleted blobs and containers can be brought back.')
param softDeleteDays SoftDeleteDays = 7

@description('Days that logs are kept, 30 to 730.')
param logRetentionDays LogRetentionDays = 30

@description('GB a day after which no more logs are taken in; -1 for no limit.')
@minValue(-1)
param dailyLogLimitGB int = -1

@description('Who gets mail from alerts. Empty for nobody: alerts are still listed in the portal.')
param alertEmail string = ''

@description('How long an event subscription may go without a successful drain; longer than the interval of the schedules.')
param noDrainMinutes AlertWindowMinutes = 30

@description('Private network: the namespace and the storage are reached through private endpoints only.')
param vnetEnabled bool = false

@description('Addresses of the private network, at least a /23.')
param vnetAddressPrefix string = '10.20.0.0/23'

@description('With a private network: who else may reach the namespace and the data account, such as a developer at home.')
param allowedIpRanges IpRanges = []

@description('App registration of the people who may see the page. Empty for no sign-in.')
param authClientId string = ''

@description('Tenant of those people.')
param authTenantId string = tenant().tenantId

resource group 'Microsoft.Resources/resourceGroups@2025-04-01' = {
  name: resourceGroupName
  location: location
  tags: { 'azd-env-name': environmentName }
}

module resources 'resources.bicep' = {
  scope: group
  params: {
    environmentName: environmentName
    location: location
    anyRegion: anyRegion
    principalId: principalId
    principalType: principalType
    createRoleAssignments: createRoleAssignments
    namespaceName: namespaceName
    functionAppName: functionAppName
    hostStorageName: hostStorageName
    dataStorageName: dataStorageName
    throughputUnits: throughputUnits
    zoneRedundant: zoneRedundant
    pythonVersion: pythonVersion
    instanceMemoryMB: instanceMemoryMB
    maximumInstanceCount: maximumInstanceCount
    alwaysReady: alwaysReady
    regionalMemoryQuotaMB: regionalMemoryQuotaMB
    pullFlaggedSchedule: pullFlaggedSchedule
    pullApprovedSchedule: pullApprovedSchedule
    pullAllEventsSchedule: pullAllEventsSchedule
    pullBudgetSeconds: pullBudgetSeconds
    handlerTimeoutSeconds: handlerTimeoutSeconds
    payloads: payloads
    pullFlaggedLanes: pullFlaggedLanes
    pullApprovedLanes: pullApprovedLanes
    pullAllEventsLanes: pullAllEventsLanes
    publishSamples: publishSamples
    auditContainer: auditContainer
    activityContainer: activityContainer
    auditRetentionDays: auditRetentionDays
    auditImmutabilityDays: auditImmutabilityDays
    deadLetterRetentionDays: deadLetterRetentionDays
    softDeleteDays: softDeleteDays
    logRetentionDays: logRetentionDays
    dailyLogLimitGB: dailyLogLimitGB
    alertEmail: alertEmail
    noDrainMinutes: noDrainMinutes
    vnetEnabled: vnetEnabled
    vnetAddressPrefix: vnetAddressPrefix
    allowedIpRanges: allowedIpRanges
    authClientId: authClientId
    authTenantId: authTenantId
  }
}

@description('Region.')
output AZURE_LOCATION string = location

@description('Tenant.')
output AZURE_TENANT_ID string = tenant().tenantId

@description('Subscription.')
output AZURE_SUBSCRIPTION_ID string = subscription().subscriptionId

@description('Resource group.')
output AZURE_RESOURCE_GROUP string = group.name

@description('Name of the function app.')
output AZURE_FUNCTION_NAME string = resources.outputs.AZURE_FUNCTION_NAME

@description('Name of the function app, as azd asks for it.')
output SERVICE_APP_NAME string = resources.outputs.SERVICE_APP_NAME

@description('The page.')
output SERVICE_APP_ENDPOINT string = resources.outputs.SERVICE_APP_ENDPOINT

@description('Name of the namespace.')
output EVENTGRID_NAMESPACE_NAME string = resources.outputs.EVENTGRID_NAMESPACE_NAME

@description('Setting of the app: the namespace.')
output EVENTGRID_ENDPOINT string = resources.outputs.EVENTGRID_ENDPOINT

@description('Setting of the app: the topic.')
output EVENTGRID_TOPIC_NAME string = resources.outputs.EVENTGRID_TOPIC_NAME

@description('Names of the event subscriptions.')
output EVENTGRID_SUBSCRIPTIONS string[] = resources.outputs.EVENTGRID_SUBSCRIPTIONS

@description('Setting of the app: where audit entries go.')
output AUDIT_STORAGE_ACCOUNT_URL string = resources.outputs.AUDIT_STORAGE_ACCOUNT_URL

@description('Setting of the app: container of audit entries.')
output AUDIT_CONTAINER string = resources.outputs.AUDIT_CONTAINER

@description('Setting of the app: container of activity summaries.')
output ACTIVITY_CONTAINER string = resources.outputs.ACTIVITY_CONTAINER

@description('Name of the account of dead letters.')
output DEAD_LETTER_STORAGE_ACCOUNT string = resources.outputs.DEAD_LETTER_STORAGE_ACCOUNT

@description('Container of dead letters.')
output DEAD_LETTER_CONTAINER string = resources.outputs.DEAD_LETTER_CONTAINER

@description('Where telemetry goes. No secret: without an identity it lets nobody in.')
output APPLICATIONINSIGHTS_CONNECTION_STRING string = resources.outputs.APPLICATIONINSIGHTS_CONNECTION_STRING

@description('With createRoleAssignments=false: what an administrator has to run.')
output ROLES_TO_ASSIGN string[] = resources.outputs.ROLES_TO_ASSIGN

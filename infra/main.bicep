metadata description = 'The whole system in one resource group, which azd makes; with az, `az group create` does.'

import { functionOf, isSeconds, problemsOf, settingOf, timersOf, topology } from 'topology.bicep'
import { AlwaysReady, ZoneIds } from 'types.bicep'

@description('Name of this deployment, part of every resource name. Up to 30 letters, digits and hyphens; azd itself would accept more.')
@minLength(1)
@maxLength(30)
param environmentName string

@description('Region; by default the resource group\'s.')
param location string = resourceGroup().location

@description('Tags for all resources, besides azd\'s own.')
param tags { *: string } = {}

@description('Assign roles; the deployer must be Owner, User Access Administrator or Role Based Access Control Administrator. Otherwise the output ROLES_TO_ASSIGN lists commands for an administrator.')
param createRoleAssignments bool = true

@description('Create the event subscriptions. Event Grid requires the namespace\'s role on the dead letters first.')
param createEventSubscriptions bool = createRoleAssignments

@description('Let a person run the app on a laptop against Azure, with the app\'s roles on the topic and the containers. Off in pipelines (CI or TF_BUILD is set), which do not need them.')
param developerRoles bool = true

@description('Object id of that person or a group.')
param developerId string = deployer().objectId

@description('Name of the Event Grid namespace, instead of a generated one.')
@minLength(3)
@maxLength(50)
param namespaceName string?

@description('Name of the function app, instead of a generated one.')
@minLength(2)
@maxLength(60)
param functionAppName string?

@description('Name of the storage account of the Functions host, instead of a generated one.')
@minLength(3)
@maxLength(24)
param hostStorageName string?

@description('Name of the storage account of audit entries and activity, instead of a generated one.')
@minLength(3)
@maxLength(24)
param dataStorageName string?

@description('Name of the storage account of dead letters, instead of a generated one.')
@minLength(3)
@maxLength(24)
param deadLetterStorageName string?

@description('Capacity of the namespace, 1 to 40: one takes in 1,000 events or 1 MB a second and delivers twice that.')
@minValue(1)
@maxValue(40)
param throughputUnits int = 1

@description('Spread the namespace, the app and the storage over zones. The namespace cannot change this later.')
param zoneRedundant bool = false

@description('Memory of an instance: 512, 2048 or 4096 MB, with a quarter of a core, one or two cores.')
param instanceMemoryMB 512 | 2048 | 4096 = 512

@description('Most instances of each group of functions, 1 to 1000. A timer function never needs a second one. Below 40 only where the region allows it.')
@minValue(1)
@maxValue(1000)
param maximumInstanceCount int = 40

@description('Always-ready instances, as { name: \'function:pull_flagged\', instanceCount: 1 }; `http` for all HTTP functions. Billed continuously.')
param alwaysReady AlwaysReady[] = []

@description('Schedules other than every five minutes, by event subscription: six fields, UTC, as { \'sub-flagged\': \'0 * * * * *\' }.')
param schedules {
  @minLength(11)
  @maxLength(100)
  *: string
} = {}

@description('Number of timer functions where it is not 1, up to 16, by event subscription, as { \'sub-flagged\': 4 }; each has its own instance.')
param lanes {
  @minValue(1)
  @maxValue(16)
  *: int
} = {}

@description('Event subscriptions whose timers stay, as { \'sub-flagged\': \'stay\' }: they listen all the time and keep an instance awake. The others visit: they handle what is there at each tick.')
param manners {
  *: 'stay' | 'visit'
} = {}

@description('Where timers stay: how many seconds batches may fill if not 0.8, from 0 to 60, by event subscription, as { \'sub-flagged\': \'0.2\' }.')
param paces {
  *: string
} = {}

@description('How many seconds a run of a timer may receive, 10 to 1800, at most until the next tick.')
@minValue(10)
@maxValue(1800)
param pullBudgetSeconds int = 900

@description('How many seconds a handler may work on one event, 1 to 3600.')
@minValue(1)
@maxValue(3600)
param handlerTimeoutSeconds int = 300

@description('Whether the page and the API show the data of events: `shown`, `on-request` (recorded with who asked) or `never`.')
param payloads 'shown' | 'on-request' | 'never' = 'on-request'

@description('Offer the sample events over HTTP (`publish_samples`).')
param publishSamples bool = true

@description('Container of audit entries.')
@minLength(3)
@maxLength(63)
param auditContainer string = 'audit'

@description('Container of activity summaries.')
@minLength(3)
@maxLength(63)
param activityContainer string = 'activity'

@description('Let the app append to audit entries and activity, and neither change nor delete them: a condition on its role.')
param appendOnlyAudit bool = true

@description('Days until audit entries and activity are deleted; 0 keeps them.')
@minValue(0)
@maxValue(36500)
param auditRetentionDays int = 365

@description('Days in which nobody can change or delete audit entries, only append to them; 0 for no such rule.')
@minValue(0)
@maxValue(146000)
param auditImmutabilityDays int = 0

@description('Days until dead letters are deleted; 0 keeps them.')
@minValue(0)
@maxValue(36500)
param deadLetterRetentionDays int = 90

@description('Days in which deleted blobs and containers can be restored.')
@minValue(1)
@maxValue(365)
param softDeleteDays int = 7

@description('Id of an existing Log Analytics workspace, instead of a new one.')
param logAnalyticsWorkspaceId string = ''

@description('Days that logs are kept in a new workspace, 30 to 730. The tables of the app\'s telemetry (App…) are kept at least 90.')
@minValue(30)
@maxValue(730)
param logRetentionDays int = 30

@description('GB a day after which a new workspace accepts no more logs, such as 0.5; -1 for no limit.')
param dailyLogLimitGB string = '-1'

@description('Address that gets mail from alerts. If empty, alerts are only listed in the portal.')
param alertEmail string = ''

@description('How long an event subscription that was drained before may go without a successful drain, 10 to 1440; longer than the interval of the schedules.')
@minValue(10)
@maxValue(1440)
param noDrainMinutes int = 30

@description('Private network: the namespace, the host\'s storage and the audit entries are reached through private endpoints only.')
param vnetEnabled bool = false

@description('Addresses of a new private network, at least a /23.')
param vnetAddressPrefix string = '10.20.0.0/23'

@description('With a private network: id of an existing subnet for the app, delegated to Microsoft.App/environments. No network is created then.')
param appSubnetId string = ''

@description('With appSubnetId: id of the subnet for the private endpoints.')
param endpointSubnetId string = ''

@description('With a private network: existing private DNS zones, as { eventGrid: id, blob: id }. None are created then.')
param privateDnsZoneIds ZoneIds?

@description('With a private network: up to 16 IPv4 addresses or ranges that may also reach the namespace and the audit entries, such as a developer\'s.')
@maxLength(16)
param allowedIpRanges string[] = []

@description('Client id of the app registration for sign-in to the page. Empty for no sign-in.')
param authClientId string = ''

@description('Tenant whose users sign in.')
param authTenantId string = tenant().tenantId

var subscriptionNames = map(topology.eventSubscriptions, subscription => subscription.name)
var timeout = split(loadJsonContent('../host.json').functionTimeout, ':')
var timeoutSeconds = int(timeout[0]) * 3600 + int(timeout[1]) * 60 + int(timeout[2])
var timers = flatten(map(subscriptionNames, name => timersOf(name, lanes[?name] ?? 1)))
var groups = ['http', ...map(timers, name => 'function:${name}')]
var unknownGroups = filter(alwaysReady, group => !contains(groups, group.name))
var tooFew = filter(alwaysReady, group => zoneRedundant && group.instanceCount < 2)
var unknownNames = filter(
  map([...items(schedules), ...items(lanes), ...items(manners), ...items(paces)], entry => entry.key),
  name => !contains(map(subscriptionNames, known => toLower(known)), toLower(name))
)
var storageNames = filter([hostStorageName, dataStorageName, deadLetterStorageName], name => !empty(name))

var problems = filter(
  [
    ...map(problemsOf(loadJsonContent('../moderation/topology.json')), problem => 'topology.json: ${problem}')
    // The compiler closes what a file that is cut off leaves open.
    endsWith(trim(loadTextContent('../moderation/topology.json')), '}')
      ? ''
      : 'topology.json does not end with }: is it whole, and JSON?'
    empty(unknownNames)
      ? ''
      : 'schedules, lanes, manners and paces name ${join(unknownNames, ', ')}, and may name ${join(subscriptionNames, ', ')}'
    ...map(
      filter(items(paces), pace => !isSeconds(pace.value, 60)),
      pace => 'paces: ${pace.key} is ${pace.value}, and must be seconds from 0 to 60, as 0.8'
    )
    length(union(storageNames, [])) == length(storageNames) ? '' : 'hostStorageName, dataStorageName and deadLetterStorageName must differ'
    auditContainer == activityContainer ? 'auditContainer and activityContainer must differ' : ''
    empty(unknownGroups)
      ? ''
      : 'alwaysReady names ${join(map(unknownGroups, group => group.name), ', ')}, and may name ${join(groups, ', ')}'
    empty(tooFew)
      ? ''
      : 'alwaysReady needs an instanceCount of at least 2 for ${join(map(tooFew, group => group.name), ', ')} with zoneRedundant=true'
    // The last receive may begin when the budget is nearly used up, and waits for 10 seconds.
    pullBudgetSeconds + 10 + handlerTimeoutSeconds < timeoutSeconds
      ? ''
      : 'pullBudgetSeconds, 10 and handlerTimeoutSeconds add up to ${pullBudgetSeconds + 10 + handlerTimeoutSeconds}, and must be less than functionTimeout of host.json (${timeoutSeconds})'
    auditImmutabilityDays == 0 || auditRetentionDays == 0 || auditRetentionDays > auditImmutabilityDays
      ? ''
      : 'auditRetentionDays is ${auditRetentionDays}, and must be 0 or more than auditImmutabilityDays (${auditImmutabilityDays})'
    vnetEnabled || empty(allowedIpRanges)
      ? ''
      : 'allowedIpRanges would shut out the app itself: it needs vnetEnabled=true'
    vnetEnabled || empty('${appSubnetId}${endpointSubnetId}')
      ? ''
      : 'appSubnetId and endpointSubnetId need vnetEnabled=true'
    empty(appSubnetId) == empty(endpointSubnetId) ? '' : 'appSubnetId and endpointSubnetId go together'
    int(last(split(vnetAddressPrefix, '/'))) <= 23
      ? ''
      : 'vnetAddressPrefix is ${vnetAddressPrefix}, and must be a /23 or larger: the app and the endpoints take a /24 each'
  ],
  problem => !empty(problem)
)

// Every name holds the suffix, so nothing can be deployed around the problems.
var suffix = empty(problems) ? '${toLower(environmentName)}-${token}' : fail('Not deployed. ${join(problems, '; ')}')
// Whatever case the group's name was typed in.
var groupId = '${subscription().id}/resourceGroups/${toLower(resourceGroup().name)}'
var token = uniqueString(subscription().id, groupId, environmentName, location)
var place = { location: location, suffix: suffix, tags: { ...tags, 'azd-env-name': environmentName } }
var names = {
  namespace: namespaceName ?? 'evgns-${suffix}'
  functionApp: functionAppName ?? 'func-${suffix}'
  hostStorage: hostStorageName ?? 'sthost${last(split(suffix, '-'))}'
  dataStorage: dataStorageName ?? 'stdata${last(split(suffix, '-'))}'
  deadLetterStorage: deadLetterStorageName ?? 'stdead${last(split(suffix, '-'))}'
  component: 'appi-${suffix}'
}
var blobEndpoints = {
  host: 'https://${names.hostStorage}.blob.${environment().suffixes.storage}'
  data: 'https://${names.dataStorage}.blob.${environment().suffixes.storage}'
  deadLetters: 'https://${names.deadLetterStorage}.blob.${environment().suffixes.storage}'
}
var workspaceId = empty(logAnalyticsWorkspaceId) ? workspace.id : logAnalyticsWorkspaceId
var subnets = empty(appSubnetId)
  ? { app: network::app.id, endpoints: network::endpoints.id }
  : { app: appSubnetId, endpoints: endpointSubnetId }

var settings = {
  EVENTGRID_ENDPOINT: eventGrid.outputs.endpoint
  EVENTGRID_TOPIC_NAME: topology.topic
  AUDIT_STORAGE_ACCOUNT_URL: blobEndpoints.data
  AUDIT_CONTAINER: auditContainer
  ACTIVITY_CONTAINER: activityContainer
  DEAD_LETTER_STORAGE_ACCOUNT_URL: blobEndpoints.deadLetters
  PULL_BUDGET_SECONDS: '${pullBudgetSeconds}'
  HANDLER_TIMEOUT_SECONDS: '${handlerTimeoutSeconds}'
  PAYLOADS: payloads
  ...toObject(subscriptionNames, name => settingOf(name, 'SCHEDULE'), name => schedules[?name] ?? '0 */5 * * * *')
  ...toObject(subscriptionNames, name => settingOf(name, 'LANES'), name => string(lanes[?name] ?? 1))
  ...toObject(subscriptionNames, name => settingOf(name, 'MANNER'), name => manners[?name] ?? 'visit')
  ...toObject(subscriptionNames, name => settingOf(name, 'PACE'), name => paces[?name] ?? '0.8')
  ...(publishSamples ? {} : { 'AzureWebJobs.publish_samples.Disabled': 'true' })
}

resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' = {
  name: 'id-${suffix}'
  location: location
  tags: place.tags
}

resource workspace 'Microsoft.OperationalInsights/workspaces@2025-07-01' existing = {
  name: 'log-${suffix}'
}

resource network 'Microsoft.Network/virtualNetworks@2025-07-01' existing = {
  name: 'vnet-${suffix}'

  resource app 'subnets' existing = {
    name: 'app'
  }

  resource endpoints 'subnets' existing = {
    name: 'endpoints'
  }
}

module monitoring 'modules/monitoring.bicep' = {
  params: {
    place: place
    workspaceName: empty(logAnalyticsWorkspaceId) ? workspace.name : ''
    workspaceId: workspaceId
    componentName: names.component
    logRetentionDays: logRetentionDays
    dailyLogLimitGB: dailyLogLimitGB
  }
}

module hostStorage 'modules/storage-account.bicep' = {
  params: {
    place: place
    name: names.hostStorage
    zoneRedundant: zoneRedundant
    closed: vnetEnabled
    containers: ['packages']
    softDeleteDays: softDeleteDays
  }
}

module dataStorage 'modules/storage-account.bicep' = {
  params: {
    place: place
    name: names.dataStorage
    zoneRedundant: zoneRedundant
    closed: vnetEnabled
    allowedIpRanges: allowedIpRanges
    containers: [auditContainer, activityContainer]
    immutabilityDays: auditImmutabilityDays
    softDeleteDays: softDeleteDays
    retentionDays: auditRetentionDays
    blobTypes: ['appendBlob']
    workspaceId: workspaceId
  }
  dependsOn: [monitoring]
}

// Closed to everybody without a role, and never to a network: no document says that a namespace gets through a firewall.
module deadLetterStorage 'modules/storage-account.bicep' = {
  params: {
    place: place
    name: names.deadLetterStorage
    zoneRedundant: zoneRedundant
    closed: false
    containers: [topology.deadLetterContainer]
    softDeleteDays: softDeleteDays
    retentionDays: deadLetterRetentionDays
    // What was tried with a dead letter is in an append blob; redriven ones count from the day of their redrive.
    blobTypes: ['blockBlob', 'appendBlob']
    workspaceId: workspaceId
  }
  dependsOn: [monitoring]
}

module eventGrid 'modules/event-grid.bicep' = {
  params: {
    place: place
    name: names.namespace
    throughputUnits: throughputUnits
    zoneRedundant: zoneRedundant
    closed: vnetEnabled
    allowedIpRanges: allowedIpRanges
    workspaceId: workspaceId
  }
  dependsOn: [monitoring]
}

module roles 'modules/roles.bicep' = {
  params: {
    assign: createRoleAssignments
    #disable-next-line what-if-short-circuiting // an identity made again must not meet its predecessor's assignments
    appPrincipalId: identity.properties.principalId
    namespacePrincipalId: eventGrid.outputs.principalId
    developerIds: developerRoles ? [developerId] : []
    names: names
    logContainers: [auditContainer, activityContainer]
    appendOnly: appendOnlyAudit
  }
  dependsOn: [hostStorage, dataStorage, deadLetterStorage, monitoring]
}

module ownNetwork 'modules/network.bicep' = if (vnetEnabled && empty(appSubnetId)) {
  params: {
    place: place
    name: network.name
    addressPrefix: vnetAddressPrefix
  }
}

module privateEndpoints 'modules/private-endpoints.bicep' = if (vnetEnabled) {
  params: {
    place: place
    subnetId: subnets.endpoints
    networkId: split(subnets.endpoints, '/subnets/')[0]
    zoneIds: privateDnsZoneIds
    namespaceName: names.namespace
    accountNames: { host: names.hostStorage, data: names.dataStorage, 'dead-letters': names.deadLetterStorage }
  }
  dependsOn: [eventGrid, hostStorage, dataStorage, deadLetterStorage, ownNetwork]
}

module functionApp 'modules/function-app.bicep' = {
  params: {
    place: place
    name: names.functionApp
    zoneRedundant: zoneRedundant
    instanceMemoryMB: instanceMemoryMB
    maximumInstanceCount: maximumInstanceCount
    alwaysReady: alwaysReady
    packagesUrl: '${blobEndpoints.host}/packages'
    hostAccountName: names.hostStorage
    identityId: identity.id
    identityClientId: identity.properties.clientId
    telemetryConnectionString: monitoring.outputs.connectionString
    settings: settings
    subnetId: vnetEnabled ? subnets.app : null
    authClientId: authClientId
    authTenantId: authTenantId
  }
  // The host looks for its storage as soon as it starts.
  dependsOn: [roles, privateEndpoints]
}

// Last of all: Event Grid asks at this moment whether the namespace may write dead letters, and a role takes minutes to count.
module eventSubscriptions 'modules/event-subscriptions.bicep' = if (createEventSubscriptions) {
  params: {
    namespaceName: names.namespace
    deadLetterAccountName: names.deadLetterStorage
  }
  dependsOn: [functionApp, alerts, workbook]
}

module alerts 'modules/alerts.bicep' = {
  params: {
    place: place
    email: alertEmail
    namespaceName: names.namespace
    workspaceId: workspaceId
    functionAppName: names.functionApp
    functions: toObject(subscriptionNames, name => functionOf(name), name => name)
    noDrainMinutes: noDrainMinutes
  }
  dependsOn: [monitoring, eventGrid]
}

module workbook 'modules/workbook.bicep' = {
  params: {
    place: place
    displayName: 'Moderation events of ${environmentName}'
    namespaceName: names.namespace
    workspaceId: workspaceId
    functionAppName: names.functionApp
  }
  dependsOn: [monitoring, eventGrid]
}

@description('Region.')
output AZURE_LOCATION string = location

@description('Tenant.')
output AZURE_TENANT_ID string = tenant().tenantId

@description('Subscription.')
output AZURE_SUBSCRIPTION_ID string = subscription().subscriptionId

@description('Resource group.')
output AZURE_RESOURCE_GROUP string = resourceGroup().name

@description('Name of the function app.')
output AZURE_FUNCTION_NAME string = names.functionApp

@description('Name of the function app, as azd asks for it.')
output SERVICE_APP_NAME string = names.functionApp

@description('The page, which azd prints.')
output SERVICE_APP_ENDPOINTS string[] = ['https://${functionApp.outputs.hostName}/api/']

@description('Name of the namespace.')
output EVENTGRID_NAMESPACE_NAME string = names.namespace

@description('Setting of the app: the namespace.')
output EVENTGRID_ENDPOINT string = settings.EVENTGRID_ENDPOINT

@description('Setting of the app: the topic.')
output EVENTGRID_TOPIC_NAME string = topology.topic

@description('Names of the event subscriptions.')
output EVENTGRID_SUBSCRIPTIONS string[] = subscriptionNames

@description('Setting of the app: where audit entries go.')
output AUDIT_STORAGE_ACCOUNT_URL string = settings.AUDIT_STORAGE_ACCOUNT_URL

@description('Setting of the app: container of audit entries.')
output AUDIT_CONTAINER string = auditContainer

@description('Setting of the app: container of activity summaries.')
output ACTIVITY_CONTAINER string = activityContainer

@description('Setting of the app: where dead letters are.')
output DEAD_LETTER_STORAGE_ACCOUNT_URL string = settings.DEAD_LETTER_STORAGE_ACCOUNT_URL

@description('Container of dead letters.')
output DEAD_LETTER_CONTAINER string = topology.deadLetterContainer

@description('Where telemetry goes. Not a secret: writing requires an identity.')
output APPLICATIONINSIGHTS_CONNECTION_STRING string = monitoring.outputs.connectionString

@description('With createRoleAssignments=false: what an administrator has to run.')
output ROLES_TO_ASSIGN string[] = createRoleAssignments ? [] : roles.outputs.commands

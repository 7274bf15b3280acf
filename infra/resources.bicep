metadata description = 'The whole system in one resource group. main.bicep makes the resource group, too.'

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
import { hasOnly, topology, topologyProblems } from 'topology.bicep'

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

var lower = 'abcdefghijklmnopqrstuvwxyz'
var digits = '0123456789'
var regions = loadJsonContent('regions.json')
var timeout = split(loadJsonContent('../host.json').functionTimeout, ':')
var timeoutSeconds = int(timeout[0]) * 3600 + int(timeout[1]) * 60 + int(timeout[2])
var lanes = pullFlaggedLanes + pullApprovedLanes + pullAllEventsLanes
var warm = reduce(alwaysReady, 0, (sum, one) => int(sum) + one.instanceCount)
var neededMB = (lanes + warm) * instanceMemoryMB
var storageNames = filter([hostStorageName ?? '', dataStorageName ?? ''], name => !empty(name))
var laneCounts = {
  pull_flagged: pullFlaggedLanes
  pull_approved: pullApprovedLanes
  pull_all_events: pullAllEventsLanes
}
var timers = flatten(map(
  items(laneCounts),
  lane => map(range(1, lane.value), number => number == 1 ? lane.key : '${lane.key}_${number}')
))
var groups = concat(['http'], map(timers, name => 'function:${name}'))
var cold = filter(alwaysReady, one => !contains(groups, one.name))
var lonely = filter(alwaysReady, one => zoneRedundant && one.instanceCount < 2)

var problems = concat(
  map(topologyProblems(topology), problem => 'topology.json: ${problem}'),
  filter(
    [
      anyRegion || contains(regions, location)
        ? ''
        : 'location is ${location}, which is not known to have Event Grid namespaces and Flex Consumption: take one of ${join(regions, ', ')}, or set anyRegion=true'
      hasOnly(toLower(environmentName), '${lower}${digits}-')
        ? ''
        : 'environmentName is ${environmentName}, and may hold letters, digits and hyphens'
      hasOnly(toLower('${namespaceName ?? ''}${functionAppName ?? ''}'), '${lower}${digits}-')
        ? ''
        : 'namespaceName and functionAppName may hold letters, digits and hyphens'
      hasOnly(join(storageNames, ''), '${lower}${digits}')
        ? ''
        : 'hostStorageName and dataStorageName may hold lower-case letters and digits'
      length(union(storageNames, [])) == length(storageNames) ? '' : 'hostStorageName and dataStorageName must differ'
      length(union([auditContainer, activityContainer, topology.deadLetterContainer], [])) == 3 ? '' : 'auditContainer, activityContainer and deadLetterContainer of topology.json must differ'
      hasOnly('${auditContainer}${activityContainer}', '${lower}${digits}-')
        ? ''
        : 'auditContainer and activityContainer may hold lower-case letters, digits and hyphens'
      empty(cold)
        ? ''
        : 'alwaysReady names ${join(map(cold, one => one.name), ', ')}, and may name ${join(groups, ', ')}'
      empty(lonely)
        ? ''
        : 'alwaysReady needs an instanceCount of at least 2 for ${join(map(lonely, one => one.name), ', ')} with zoneRedundant=true'
      neededMB <= regionalMemoryQuotaMB
        ? ''
        : 'pullFlaggedLanes, pullApprovedLanes, pullAllEventsLanes and alwaysReady need ${neededMB} MB with instanceMemoryMB=${instanceMemoryMB}, and regionalMemoryQuotaMB is ${regionalMemoryQuotaMB}'
      pullBudgetSeconds + handlerTimeoutSeconds < timeoutSeconds
        ? ''
        : 'pullBudgetSeconds and handlerTimeoutSeconds add up to ${pullBudgetSeconds + handlerTimeoutSeconds}, and must be less than functionTimeout of host.json (${timeoutSeconds})'
      auditImmutabilityDays == 0 || auditRetentionDays == 0 || auditRetentionDays > auditImmutabilityDays
        ? ''
        : 'auditRetentionDays is ${auditRetentionDays}, and must be 0 or more than auditImmutabilityDays (${auditImmutabilityDays})'
      vnetEnabled || empty(allowedIpRanges)
        ? ''
        : 'allowedIpRanges would shut out the app itself: it needs vnetEnabled=true'
      int(last(split(vnetAddressPrefix, '/'))) <= 23
        ? ''
        : 'vnetAddressPrefix is ${vnetAddressPrefix}, and must be a /23 or larger: the app and the endpoints take a /24 each'
    ],
    problem => !empty(problem)
  )
)

// Every name holds the suffix, so nothing can be deployed around the problems.
var suffix = empty(problems) ? '${toLower(environmentName)}-${token}' : fail('Not deployed. ${join(problems, '; ')}')
var token = uniqueString(subscription().id, resourceGroup().id, environmentName, location)
var names = {
  namespace: namespaceName ?? 'evgns-${suffix}'
  functionApp: functionAppName ?? 'func-${suffix}'
  hostStorage: hostStorageName ?? 'sthost${last(split(suffix, '-'))}'
  dataStorage: dataStorageName ?? 'stdata${last(split(suffix, '-'))}'
  workspace: 'log-${suffix}'
  component: 'appi-${suffix}'
  network: 'vnet-${suffix}'
}
var packageContainer = 'packages'
var blobEndpoints = {
  host: 'https://${names.hostStorage}.blob.${environment().suffixes.storage}'
  data: 'https://${names.dataStorage}.blob.${environment().suffixes.storage}'
}
var subscriptionNames = map(topology.eventSubscriptions, one => one.name)
var tags = { 'azd-env-name': environmentName }

var settings = {
  EVENTGRID_ENDPOINT: eventGrid.outputs.endpoint
  EVENTGRID_TOPIC_NAME: topology.topic
  AUDIT_STORAGE_ACCOUNT_URL: blobEndpoints.data
  AUDIT_CONTAINER: auditContainer
  ACTIVITY_CONTAINER: activityContainer
  PULL_FLAGGED_SCHEDULE: pullFlaggedSchedule
  PULL_APPROVED_SCHEDULE: pullApprovedSchedule
  PULL_ALL_EVENTS_SCHEDULE: pullAllEventsSchedule
  PULL_FLAGGED_LANES: '${pullFlaggedLanes}'
  PULL_APPROVED_LANES: '${pullApprovedLanes}'
  PULL_ALL_EVENTS_LANES: '${pullAllEventsLanes}'
  PULL_BUDGET_SECONDS: '${pullBudgetSeconds}'
  HANDLER_TIMEOUT_SECONDS: '${handlerTimeoutSeconds}'
  PAYLOADS: payloads
}
var switchedOff = publishSamples ? {} : { 'AzureWebJobs.publish_samples.Disabled': 'true' }

resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' = {
  name: 'id-${suffix}'
  location: location
  tags: tags
}

module monitoring 'modules/monitoring.bicep' = {
  params: {
    location: location
    tags: tags
    workspaceName: names.workspace
    componentName: names.component
    logRetentionDays: logRetentionDays
    dailyLogLimitGB: dailyLogLimitGB
  }
}

module storage 'modules/storage.bicep' = {
  params: {
    location: location
    tags: tags
    hostName: names.hostStorage
    dataName: names.dataStorage
    zoneRedundant: zoneRedundant
    closed: vnetEnabled
    allowedIpRanges: allowedIpRanges
    packageContainer: packageContainer
    auditContainer: auditContainer
    activityContainer: activityContainer
    deadLetterContainer: topology.deadLetterContainer
    auditRetentionDays: auditRetentionDays
    auditImmutabilityDays: auditImmutabilityDays
    deadLetterRetentionDays: deadLetterRetentionDays
    softDeleteDays: softDeleteDays
    workspaceName: names.workspace
  }
  dependsOn: [monitoring]
}

module eventGrid 'modules/event-grid.bicep' = {
  params: {
    location: location
    tags: tags
    name: names.namespace
    throughputUnits: throughputUnits
    zoneRedundant: zoneRedundant
    closed: vnetEnabled
    allowedIpRanges: allowedIpRanges
    workspaceName: names.workspace
  }
  dependsOn: [monitoring]
}

module roles 'modules/roles.bicep' = {
  params: {
    assign: createRoleAssignments
    #disable-next-line what-if-short-circuiting // an identity made again must not meet its predecessor's assignments
    appPrincipalId: identity.properties.principalId
    namespacePrincipalId: eventGrid.outputs.principalId
    developerPrincipalId: principalId
    developerPrincipalType: principalType
    namespaceName: names.namespace
    hostAccountName: names.hostStorage
    dataAccountName: names.dataStorage
    logContainers: [auditContainer, activityContainer]
    componentName: names.component
  }
  dependsOn: [storage]
}

module eventSubscriptions 'modules/event-subscriptions.bicep' = {
  params: {
    namespaceName: names.namespace
    dataAccountName: names.dataStorage
  }
  // The namespace must be able to write dead letters before there can be any.
  dependsOn: [roles]
}

module receivers 'modules/receivers.bicep' = {
  params: {
    assign: createRoleAssignments
    #disable-next-line what-if-short-circuiting // an identity made again must not meet its predecessor's assignments
    appPrincipalId: identity.properties.principalId
    developerPrincipalId: principalId
    developerPrincipalType: principalType
    namespaceName: names.namespace
    subscriptionNames: subscriptionNames
  }
  dependsOn: [eventSubscriptions]
}

module network 'modules/network.bicep' = if (vnetEnabled) {
  params: {
    location: location
    tags: tags
    name: names.network
    addressPrefix: vnetAddressPrefix
  }
}

module privateEndpoints 'modules/private-endpoints.bicep' = if (vnetEnabled) {
  params: {
    location: location
    tags: tags
    suffix: suffix
    networkName: names.network
    namespaceName: names.namespace
    hostAccountName: names.hostStorage
    dataAccountName: names.dataStorage
  }
  dependsOn: [eventGrid, storage, network]
}

module functionApp 'modules/function-app.bicep' = {
  params: {
    location: location
    tags: tags
    name: names.functionApp
    planName: 'plan-${suffix}'
    zoneRedundant: zoneRedundant
    pythonVersion: pythonVersion
    instanceMemoryMB: instanceMemoryMB
    maximumInstanceCount: maximumInstanceCount
    alwaysReady: alwaysReady
    packagesUrl: '${blobEndpoints.host}/${packageContainer}'
    hostAccountName: names.hostStorage
    identityId: identity.id
    identityClientId: identity.properties.clientId
    telemetryConnectionString: monitoring.outputs.connectionString
    settings: { ...settings, ...switchedOff }
    inNetwork: vnetEnabled
    networkName: names.network
    authClientId: authClientId
    authTenantId: authTenantId
  }
  // The host looks for its storage as soon as it starts.
  dependsOn: [roles, receivers, privateEndpoints]
}

module alerts 'modules/alerts.bicep' = {
  params: {
    location: location
    tags: tags
    suffix: suffix
    email: alertEmail
    namespaceName: names.namespace
    workspaceName: names.workspace
    functionAppName: names.functionApp
    subscriptionNames: subscriptionNames
    noDrainMinutes: noDrainMinutes
  }
  dependsOn: [monitoring, eventGrid]
}

module workbook 'modules/workbook.bicep' = {
  params: {
    location: location
    tags: tags
    name: guid(resourceGroup().id, suffix)
    displayName: 'Moderation events of ${environmentName}'
    namespaceName: names.namespace
    workspaceName: names.workspace
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

@description('The page.')
output SERVICE_APP_ENDPOINT string = 'https://${functionApp.outputs.hostName}/api/'

@description('Name of the namespace.')
output EVENTGRID_NAMESPACE_NAME string = names.namespace

@description('Setting of the app: the namespace.')
output EVENTGRID_ENDPOINT string = eventGrid.outputs.endpoint

@description('Setting of the app: the topic.')
output EVENTGRID_TOPIC_NAME string = topology.topic

@description('Names of the event subscriptions.')
output EVENTGRID_SUBSCRIPTIONS string[] = subscriptionNames

@description('Setting of the app: where audit entries go.')
output AUDIT_STORAGE_ACCOUNT_URL string = blobEndpoints.data

@description('Setting of the app: container of audit entries.')
output AUDIT_CONTAINER string = auditContainer

@description('Setting of the app: container of activity summaries.')
output ACTIVITY_CONTAINER string = activityContainer

@description('Name of the account of dead letters.')
output DEAD_LETTER_STORAGE_ACCOUNT string = names.dataStorage

@description('Container of dead letters.')
output DEAD_LETTER_CONTAINER string = topology.deadLetterContainer

@description('Where telemetry goes. No secret: without an identity it lets nobody in.')
output APPLICATIONINSIGHTS_CONNECTION_STRING string = monitoring.outputs.connectionString

@description('With createRoleAssignments=false: what an administrator has to run.')
output ROLES_TO_ASSIGN string[] = createRoleAssignments
  ? []
  : concat(roles.outputs.commands, receivers.outputs.commands)

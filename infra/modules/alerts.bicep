metadata description = 'What tells somebody. Severity 0 and 1 are worth waking a person: events are lost, nobody can publish, nobody drains.'

import { Place, rowsOf } from '../types.bicep'

@description('Where everything is made.')
param place Place

@description('Who gets mail; empty for nobody, and alerts are still listed in the portal.')
param email string

@description('Name of the namespace.')
param namespaceName string

@description('Log Analytics workspace of the app\'s telemetry, by its id.')
param workspaceId string

@description('Name of the function app.')
param functionAppName string

@description('Event subscriptions by the timer function that drains them.')
param functions { *: string }

@description('How long an event subscription may go without a successful drain.')
param noDrainMinutes int

var counted = [
  {
    name: 'dropped'
    metric: 'DroppedEventCount'
    severity: 0
    description: 'Events are lost: they could not be dead-lettered. Look at the namespace\'s role on the account of dead letters.'
  }
  {
    name: 'dead-lettered'
    metric: 'DeadLetteredCount'
    severity: 3
    description: 'Events were rejected, or delivered too often, or not received in time. They wait in the dead-letter container.'
  }
  {
    name: 'publish-failed'
    metric: 'FailedPublishedEvents'
    severity: 3
    description: 'The namespace refused events of a publisher. The table EGNFailedHttpDataPlaneOperations says why.'
  }
]

var ofTheApp = 'AppRoleName =~ "${functionAppName}"'
var requestColumns = 'AppRoleName: string, Name: string, Success: bool, ResultCode: string, ItemCount: int'
var requests = rowsOf('AppRequests', requestColumns, ofTheApp)
var exceptions = rowsOf('AppExceptions', 'AppRoleName: string, OperationId: string, OperationName: string', ofTheApp)
var ofTheNamespace = '_ResourceId =~ "${namespace.id}"'
var refused = 'EGNFailedHttpDataPlaneOperations'
var refusals = rowsOf(refused, '_ResourceId: string, ResultSignature: string', ofTheNamespace)
var drained = map(
  items(functions),
  function => 'Name matches regex "^${function.key}(_([2-9]|1[0-6]))?$", "${function.value}"'
)

var searched = [
  {
    name: 'publishing-fails'
    severity: 1
    description: 'The app takes in no events: every publish of the last quarter of an hour was answered with 5xx, or five of them.'
    // A function that answers 503 is a success to the host; the answer is in ResultCode.
    query: [
      requests
      'where Name startswith "publish"'
      'summarize Failed = sumif(ItemCount, toint(ResultCode) >= 500), Calls = sum(ItemCount)'
      'where Failed > 0 and (Failed == Calls or Failed >= 5)'
    ]
    dimensions: []
  }
  {
    name: 'no-drain'
    severity: 1
    description: 'No timer has drained the event subscription for ${noDrainMinutes} minutes: events pile up and expire after their time to live. LastDrain says when it was last drained.'
    // Silent until the app has drained once. Nothing older than two days can be looked at.
    query: [
      requests
      'where Success and Name startswith "pull_"'
      'extend EventSubscription = case(${join(drained, ', ')}, "")'
      'where isnotempty(EventSubscription)'
      'summarize Last = max(TimeGenerated) by EventSubscription'
      'where Last < ago(${noDrainMinutes}m)'
      'extend LastDrain = format_datetime(Last, "yyyy-MM-dd HH:mm:ss")'
    ]
    dimensions: ['EventSubscription', 'LastDrain']
  }
  {
    name: 'throttled'
    severity: 2
    description: 'The namespace takes or gives no more than its throughput units allow: raise throughputUnits.'
    query: [refusals, 'where ResultSignature == "QuotaExceeded"']
    dimensions: []
  }
  {
    name: 'exceptions'
    severity: 2
    description: 'Functions of the app raised exceptions: mostly drains that something refuses.'
    // One failure of a function is two exceptions.
    query: [exceptions, 'summarize by OperationId, OperationName']
    dimensions: []
  }
]

resource namespace 'Microsoft.EventGrid/namespaces@2025-02-15' existing = {
  name: namespaceName
}

resource people 'Microsoft.Insights/actionGroups@2023-01-01' = {
  name: 'ag-${place.suffix}'
  location: 'global'
  tags: place.tags
  properties: {
    enabled: true
    groupShortName: 'moderation'
    emailReceivers: empty(email) ? [] : [{ name: 'operators', emailAddress: email, useCommonAlertSchema: true }]
  }
}

resource metricAlerts 'Microsoft.Insights/metricAlerts@2018-03-01' = [
  for alert in counted: {
    name: 'alert-${alert.name}-${place.suffix}'
    location: 'global'
    tags: place.tags
    properties: {
      description: alert.description
      severity: alert.severity
      enabled: true
      autoMitigate: true
      evaluationFrequency: 'PT5M'
      windowSize: 'PT15M'
      scopes: [namespace.id]
      criteria: {
        'odata.type': 'Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria'
        allOf: [
          {
            criterionType: 'StaticThresholdCriterion'
            name: alert.name
            metricNamespace: 'Microsoft.EventGrid/namespaces'
            metricName: alert.metric
            timeAggregation: 'Total'
            operator: 'GreaterThan'
            threshold: 0
            skipMetricValidation: true
          }
        ]
      }
      actions: [{ actionGroupId: people.id }]
    }
  }
]

resource logAlerts 'Microsoft.Insights/scheduledQueryRules@2023-12-01' = [
  for alert in searched: {
    name: 'alert-${alert.name}-${place.suffix}'
    location: place.location
    tags: place.tags
    kind: 'LogAlert'
    properties: {
      displayName: 'alert-${alert.name}-${place.suffix}'
      description: alert.description
      severity: alert.severity
      enabled: true
      autoMitigate: true
      evaluationFrequency: 'PT5M'
      windowSize: 'PT15M'
      // A drain of some time ago counts; everything else is a matter of the window.
      overrideQueryTimeRange: empty(alert.dimensions) ? null : 'P2D'
      scopes: [workspaceId]
      skipQueryValidation: true
      criteria: {
        allOf: [
          {
            query: join(alert.query, ' | ')
            timeAggregation: 'Count'
            dimensions: map(alert.dimensions, name => { name: name, operator: 'Include', values: ['*'] })
            operator: 'GreaterThan'
            threshold: 0
            failingPeriods: { numberOfEvaluationPeriods: 1, minFailingPeriodsToAlert: 1 }
          }
        ]
      }
      actions: { actionGroups: [people.id] }
    }
  }
]

metadata description = 'What wakes somebody: events lost or about to be, and event subscriptions that nobody drains.'

import { AlertWindowMinutes, Tags } from '../types.bicep'

@description('Region.')
param location string

@description('Tags.')
param tags Tags

@description('What is common to the names.')
param suffix string

@description('Who gets mail; empty for nobody, and alerts are still listed in the portal.')
param email string

@description('Name of the namespace.')
param namespaceName string

@description('Log Analytics workspace of the app\'s telemetry.')
param workspaceName string

@description('Name of the function app.')
param functionAppName string

@description('Names of the event subscriptions.')
param subscriptionNames string[]

@description('How long an event subscription may go without a successful drain.')
param noDrainMinutes AlertWindowMinutes

var counted = [
  {
    name: 'dead-lettered'
    metric: 'DeadLetteredCount'
    severity: 2
    description: 'Events were rejected, or delivered too often, or not received in time. They wait in the dead-letter container.'
  }
  {
    name: 'dropped'
    metric: 'DroppedEventCount'
    severity: 0
    description: 'Events are lost: they could not be dead-lettered. Look at the namespace\'s role on the dead-letter container.'
  }
  {
    name: 'publish-failed'
    metric: 'FailedPublishedEvents'
    severity: 1
    description: 'Publishers were refused. The table EGNFailedHttpDataPlaneOperations says why.'
  }
]

// In the words of Azure Monitor, which knows half an hour and two hours, but not 120 minutes.
var windows = { '15': 'PT15M', '30': 'PT30M', '45': 'PT45M', '1440': 'P1D' }

// A table is there only after its first line, and union isfuzzy lets a query go without.
var searched = concat(
  [
    {
      name: 'throttled'
      severity: 2
      minutes: 15
      operator: 'GreaterThan'
      threshold: 0
      description: 'The namespace takes or gives no more than its throughput units allow: raise throughputUnits.'
      query: 'union isfuzzy=true (datatable(TimeGenerated: datetime)[]), EGNFailedHttpDataPlaneOperations | where * has "QuotaExceeded"'
    }
    {
      name: 'exceptions'
      severity: 2
      minutes: 15
      operator: 'GreaterThan'
      threshold: 0
      description: 'The app raised exceptions.'
      query: 'union isfuzzy=true (datatable(TimeGenerated: datetime, AppRoleName: string)[]), AppExceptions | where AppRoleName =~ "${functionAppName}"'
    }
  ],
  map(subscriptionNames, name => {
    name: 'no-drain-of-${name}'
    severity: 1
    minutes: noDrainMinutes
    operator: 'LessThan'
    threshold: 1
    description: 'No timer has drained ${name} for ${noDrainMinutes} minutes: events pile up and expire after their time to live.'
    query: 'union isfuzzy=true (datatable(TimeGenerated: datetime, AppRoleName: string, Success: bool, Name: string)[]), AppRequests | where AppRoleName =~ "${functionAppName}" and Success and Name matches regex "^pull_${replace(replace(name, 'sub-', ''), '-', '_')}(_[0-9]+)?$"'
  })
)

resource namespace 'Microsoft.EventGrid/namespaces@2025-02-15' existing = {
  name: namespaceName
}

resource workspace 'Microsoft.OperationalInsights/workspaces@2025-07-01' existing = {
  name: workspaceName
}

resource people 'Microsoft.Insights/actionGroups@2023-01-01' = {
  name: 'ag-${suffix}'
  location: 'global'
  tags: tags
  properties: {
    enabled: true
    groupShortName: 'moderation'
    emailReceivers: empty(email) ? [] : [{ name: 'operators', emailAddress: email, useCommonAlertSchema: true }]
  }
}

resource metricAlerts 'Microsoft.Insights/metricAlerts@2018-03-01' = [
  for one in counted: {
    name: 'alert-${one.name}-${suffix}'
    location: 'global'
    tags: tags
    properties: {
      description: one.description
      severity: one.severity
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
            name: one.name
            metricNamespace: 'Microsoft.EventGrid/namespaces'
            metricName: one.metric
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
  for one in searched: {
    name: 'alert-${one.name}-${suffix}'
    location: location
    tags: tags
    kind: 'LogAlert'
    properties: {
      displayName: 'alert-${one.name}-${suffix}'
      description: one.description
      severity: one.severity
      enabled: true
      autoMitigate: true
      evaluationFrequency: 'PT5M'
      windowSize: windows[?'${one.minutes}'] ?? 'PT${one.minutes / 60}H'
      scopes: [workspace.id]
      skipQueryValidation: true
      criteria: {
        allOf: [
          {
            query: one.query
            timeAggregation: 'Count'
            operator: one.operator
            threshold: one.threshold
            failingPeriods: { numberOfEvaluationPeriods: 1, minFailingPeriodsToAlert: 1 }
          }
        ]
      }
      actions: { actionGroups: [people.id] }
    }
  }
]

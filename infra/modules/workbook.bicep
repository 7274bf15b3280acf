metadata description = 'A workbook that answers the same questions as the app\'s page, from metrics and logs.'

import { Place, rowsOf } from '../types.bicep'

@description('Where everything is made.')
param place Place

@description('Name that people see.')
param displayName string

@description('Namespace, whose metrics are shown.')
param namespaceName string

@description('Log Analytics workspace, whose logs are shown, by its id.')
param workspaceId string

@description('Name of the function app.')
param functionAppName string

var hours = 3600000
var logs = 'microsoft.operationalinsights/workspaces'
var ofTheApp = 'AppRoleName =~ "${functionAppName}"'
var traceColumns = 'AppRoleName: string, Message: string, SeverityLevel: int, ItemCount: int'
var requestColumns = 'AppRoleName: string, Name: string, DurationMs: real, Success: bool, ResultCode: string, ItemCount: int'
var refusalColumns = '_ResourceId: string, OperationName: string, ResultSignature: string, AuthenticationType: string, TotalOperations: string'
var traces = rowsOf('AppTraces', traceColumns, ofTheApp)
var drains = [
  traces
  'where Message startswith "drained "'
  'parse Message with "drained " EventSubscription ": received " Received: long ", settled " Settled ", failed " Failed ", stopped: " Stopped'
]

// Azure Monitor adds up what is counted (aggregation 1), and averages what is measured (4).
var sections = [
  {
    name: 'published heading'
    text: '## Is everything that comes in accepted?'
    charts: [
      {
        name: 'published'
        title: 'Published, refused, matched by no event subscription'
        metrics: ['SuccessfulPublishedEvents', 'FailedPublishedEvents', 'UnmatchedEventCount']
      }
    ]
    queries: []
  }
  {
    name: 'subscriptions heading'
    text: '## Does each event subscription keep up?'
    charts: [
      {
        name: 'matched'
        title: 'Matched by each event subscription'
        metrics: ['MatchedEventCount']
        splitBy: ['EventSubscriptionName']
      }
      {
        name: 'acknowledged'
        title: 'Acknowledged on each event subscription'
        metrics: ['SuccessfulAcknowledgedEvents']
        splitBy: ['EventSubscriptionName']
      }
      {
        name: 'received'
        title: 'Received and released'
        metrics: ['SuccessfulReceivedEvents', 'SuccessfulReleasedEvents', 'FailedReceivedEvents']
      }
    ]
    queries: [
      {
        name: 'drains'
        title: 'Drains of each event subscription, as far as logs are kept (host.json samples them)'
        steps: [
          ...drains
          'summarize Drains = sum(ItemCount), Received = sum(Received * ItemCount), WithFailures = sumif(ItemCount, Failed != "{}"), Last = max(TimeGenerated) by EventSubscription'
          'order by EventSubscription asc'
        ]
      }
      {
        name: 'per minute'
        title: 'Events received per minute'
        visualization: 'timechart'
        steps: [
          ...drains
          'summarize Received = sum(Received * ItemCount) by EventSubscription, bin(TimeGenerated, 1m)'
        ]
      }
    ]
  }
  {
    name: 'losses heading'
    text: '## Is anything lost, or about to be?'
    charts: [
      {
        name: 'dead letters'
        title: 'Dead-lettered and dropped'
        metrics: ['DeadLetteredCount', 'DroppedEventCount']
      }
      {
        name: 'failed settlements'
        title: 'Settlements that failed'
        metrics: ['FailedAcknowledgedEvents', 'FailedReleasedEvents']
      }
    ]
    queries: [
      {
        name: 'warnings'
        title: 'Rejected, released and lost deliveries, and what the app warned of'
        steps: [
          traces
          'where SeverityLevel >= 2'
          'project TimeGenerated, SeverityLevel, Message'
          'order by TimeGenerated desc'
          'take 200'
        ]
      }
      {
        name: 'refused'
        title: 'Requests that the namespace refused'
        steps: [
          rowsOf('EGNFailedHttpDataPlaneOperations', refusalColumns, '_ResourceId =~ "${namespace.id}"')
          'summarize Requests = sum(toint(TotalOperations)), Last = max(TimeGenerated) by OperationName, ResultSignature, AuthenticationType'
          'order by Last desc'
        ]
      }
    ]
  }
  {
    name: 'speed heading'
    text: '## How fast is it?'
    charts: [
      {
        name: 'latency'
        title: 'Latency of the namespace in milliseconds'
        aggregation: 4
        metrics: ['PublishLatencyInMilliseconds', 'ReceiveLatencyInMilliseconds', 'AcknowledgeLatencyInMilliseconds']
      }
      { name: 'throughput units', title: 'Throughput units', aggregation: 4, metrics: ['NamespaceThroughputUnits'] }
    ]
    queries: [
      {
        name: 'functions'
        title: 'Functions: how often, how long, how many failed (a timer that raised, an answer of 5xx) or were refused (4xx)'
        steps: [
          rowsOf('AppRequests', requestColumns, ofTheApp)
          'summarize Calls = sum(ItemCount), Failed = sumif(ItemCount, not(Success) or toint(ResultCode) >= 500), Refused = sumif(ItemCount, toint(ResultCode) >= 400 and toint(ResultCode) < 500), Median = percentile(DurationMs, 50), P95 = percentile(DurationMs, 95), Last = max(TimeGenerated) by Name'
          'order by Name asc'
        ]
      }
    ]
  }
]

var introduction = {
  type: 1
  name: 'introduction'
  content: {
    json: '# Content moderation events\nPublished over HTTP, filtered into event subscriptions, drained by timers. The app\'s page shows the entries themselves; here are counts and delays, from the namespace\'s metrics and the app\'s logs. A queue\'s depth is not measured by Event Grid: *matched* minus *acknowledged* comes near.'
  }
}
var timeRange = {
  type: 9
  name: 'time range'
  content: {
    version: 'KqlParameterItem/1.0'
    style: 'pills'
    queryType: 0
    resourceType: logs
    parameters: [
      {
        id: '6a9f1c1e-43f3-4f0e-9a0c-5a5b1a7c9d10'
        version: 'KqlParameterItem/1.0'
        name: 'TimeRange'
        label: 'Time range'
        type: 4
        isRequired: true
        value: { durationMs: 4 * hours }
        typeSettings: {
          selectableValues: map([hours / 2, hours, 4 * hours, 24 * hours, 168 * hours], time => { durationMs: time })
          allowCustom: true
        }
      }
    ]
  }
}
var shown = {
  size: 1
  timeContextFromParameter: 'TimeRange'
  timeContext: { durationMs: 4 * hours }
}
var items = flatten(map(sections, section => [
  { type: 1, name: section.name, content: { json: section.text } }
  ...map(section.charts, chart => {
    type: 10
    name: chart.name
    content: {
      ...shown
      chartId: 'chart-${chart.name}'
      version: 'MetricsItem/2.0'
      title: chart.title
      chartType: 2
      resourceType: toLower(namespace.type)
      metricScope: 0
      resourceIds: [namespace.id]
      metrics: map(chart.metrics, metric => {
        namespace: toLower(namespace.type)
        metric: '${toLower(namespace.type)}--${metric}'
        aggregation: chart.?aggregation ?? 1
        columnName: metric
        splitBy: chart.?splitBy
      })
      gridSettings: { rowLimit: 10000 }
    }
  })
  ...map(section.queries, query => {
    type: 3
    name: query.name
    content: {
      ...shown
      version: 'KqlItem/1.0'
      query: join(query.steps, '\n| ')
      title: query.title
      queryType: 0
      resourceType: logs
      crossComponentResources: [workspaceId]
      visualization: query.?visualization ?? 'table'
    }
  })
]))

resource namespace 'Microsoft.EventGrid/namespaces@2025-02-15' existing = {
  name: namespaceName
}

resource workbook 'Microsoft.Insights/workbooks@2023-06-01' = {
  name: guid(resourceGroup().id, place.suffix)
  location: place.location
  tags: place.tags
  kind: 'shared'
  properties: {
    displayName: displayName
    category: 'workbook'
    sourceId: workspaceId
    serializedData: string({
      version: 'Notebook/1.0'
      items: [introduction, timeRange, ...items]
      fallbackResourceIds: [workspaceId]
      '$schema': 'https://github.com/Microsoft/Application-Insights-Workbooks/blob/master/schema/workbook.json'
    })
  }
}

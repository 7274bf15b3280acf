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

var logs = 'microsoft.operationalinsights/workspaces'
var ofTheApp = 'AppRoleName =~ "${functionAppName}"'
var traceColumns = 'AppRoleName: string, Message: string, SeverityLevel: int, ItemCount: int'
var requestColumns = 'AppRoleName: string, Name: string, DurationMs: real, Success: bool, ResultCode: string, ItemCount: int'
var refusalColumns = '_ResourceId: string, OperationName: string, ResultSignature: string, AuthenticationType: string, TotalOperations: string'
var traces = rowsOf('AppTraces', traceColumns, ofTheApp)
// What the queries of workbook.json begin with.
var sources = {
  requests: [rowsOf('AppRequests', requestColumns, ofTheApp)]
  refusals: [rowsOf('EGNFailedHttpDataPlaneOperations', refusalColumns, '_ResourceId =~ "${namespace.id}"')]
  traces: [traces]
  drains: [
    traces
    'where Message startswith "drained "'
    'parse Message with "drained " EventSubscription ": received " Received: long ", settled " Settled ", failed " Failed ", stopped: " Stopped'
  ]
}
var content = loadJsonContent('workbook.json')
var shown = { size: 1, timeContextFromParameter: 'TimeRange', timeContext: { durationMs: 14400000 } }
var items = flatten(map(content.sections, section => [
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
        // Azure Monitor adds up what is counted (1), and averages what is measured (4).
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
      query: join([...sources[query.source], ...query.steps], '\n| ')
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
      items: [...content.head, ...items]
      fallbackResourceIds: [workspaceId]
      '$schema': 'https://github.com/Microsoft/Application-Insights-Workbooks/blob/master/schema/workbook.json'
    })
  }
}

metadata description = 'A workbook that answers the same questions as the app\'s page, from metrics and logs.'

import { Place } from '../types.bicep'

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

resource namespace 'Microsoft.EventGrid/namespaces@2025-02-15' existing = {
  name: namespaceName
}

var content = replace(
  replace(replace(loadTextContent('workbook.json'), '{NamespaceId}', namespace.id), '{WorkspaceId}', workspaceId),
  '{FunctionApp}',
  functionAppName
)

resource workbook 'Microsoft.Insights/workbooks@2023-06-01' = {
  name: guid(resourceGroup().id, place.suffix)
  location: place.location
  tags: place.tags
  kind: 'shared'
  properties: {
    displayName: displayName
    category: 'workbook'
    sourceId: workspaceId
    serializedData: content
  }
}

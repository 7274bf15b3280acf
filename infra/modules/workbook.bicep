metadata description = 'A workbook that answers the same questions as the app\'s page, from metrics and logs.'

import { Tags } from '../types.bicep'

@description('Region.')
param location string

@description('Tags.')
param tags Tags

@description('Its name, a GUID.')
param name string

@description('Name that people see.')
param displayName string

@description('Namespace, whose metrics are shown.')
param namespaceName string

@description('Log Analytics workspace, whose logs are shown.')
param workspaceName string

@description('Name of the function app.')
param functionAppName string

resource workspace 'Microsoft.OperationalInsights/workspaces@2025-07-01' existing = {
  name: workspaceName
}

resource namespace 'Microsoft.EventGrid/namespaces@2025-02-15' existing = {
  name: namespaceName
}

var content = replace(
  replace(replace(loadTextContent('workbook.json'), '{NamespaceId}', namespace.id), '{WorkspaceId}', workspace.id),
  '{FunctionApp}',
  functionAppName
)

resource workbook 'Microsoft.Insights/workbooks@2023-06-01' = {
  name: name
  location: location
  tags: tags
  kind: 'shared'
  properties: {
    displayName: displayName
    category: 'workbook'
    sourceId: workspace.id
    serializedData: content
  }
}

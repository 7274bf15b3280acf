metadata description = 'Log Analytics and Application Insights, which takes no telemetry without an Entra identity.'

import { Place } from '../types.bicep'

@description('Where everything is made.')
param place Place

@description('Name of the Log Analytics workspace to make; empty for one that is there already.')
param workspaceName string

@description('Id of the workspace.')
param workspaceId string

@description('Name of the Application Insights component.')
param componentName string

@description('How long logs are kept.')
param logRetentionDays int

@description('GB a day after which no more logs are taken in; -1 for no limit.')
param dailyLogLimitGB string

resource workspace 'Microsoft.OperationalInsights/workspaces@2025-07-01' = if (!empty(workspaceName)) {
  name: workspaceName
  location: place.location
  tags: place.tags
  properties: {
    sku: { name: 'PerGB2018' }
    retentionInDays: logRetentionDays
    features: { disableLocalAuth: true }
    workspaceCapping: { dailyQuotaGb: json(dailyLogLimitGB) }
  }
}

resource component 'Microsoft.Insights/components@2020-02-02' = {
  name: componentName
  location: place.location
  tags: place.tags
  kind: 'web'
  properties: {
    Application_Type: 'web'
    WorkspaceResourceId: workspaceId
    DisableLocalAuth: true
  }
  dependsOn: [workspace]
}

@description('No secret: without an identity it lets nobody in.')
output connectionString string = component.properties.ConnectionString

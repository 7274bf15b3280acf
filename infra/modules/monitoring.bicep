metadata description = 'Log Analytics and Application Insights, which takes no telemetry without an Entra identity.'

import { LogRetentionDays, Tags } from '../types.bicep'

@description('Region.')
param location string

@description('Tags.')
param tags Tags

@description('Name of the Log Analytics workspace.')
param workspaceName string

@description('Name of the Application Insights component.')
param componentName string

@description('How long logs are kept.')
param logRetentionDays LogRetentionDays

@description('GB a day after which no more logs are taken in; -1 for no limit.')
param dailyLogLimitGB int

resource workspace 'Microsoft.OperationalInsights/workspaces@2025-07-01' = {
  name: workspaceName
  location: location
  tags: tags
  properties: {
    sku: { name: 'PerGB2018' }
    retentionInDays: logRetentionDays
    features: { disableLocalAuth: true }
    workspaceCapping: { dailyQuotaGb: dailyLogLimitGB }
  }
}

resource component 'Microsoft.Insights/components@2020-02-02' = {
  name: componentName
  location: location
  tags: tags
  kind: 'web'
  properties: {
    Application_Type: 'web'
    WorkspaceResourceId: workspace.id
    DisableLocalAuth: true
  }
}

@description('No secret: without an identity it lets nobody in.')
output connectionString string = component.properties.ConnectionString

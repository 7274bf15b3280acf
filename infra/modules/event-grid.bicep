metadata description = 'The Event Grid namespace and its topic. The event subscriptions come later: dead-lettering needs a role first.'

import { IpRanges, Tags, ThroughputUnits } from '../types.bicep'
import { topology } from '../topology.bicep'

@description('Region.')
param location string

@description('Tags.')
param tags Tags

@description('Name of the namespace.')
param name string

@description('Capacity.')
param throughputUnits ThroughputUnits

@description('Spread over three zones. Otherwise the region decides; it cannot be changed later.')
param zoneRedundant bool

@description('Only private endpoints and the ranges below reach it.')
param closed bool

@description('Who else may reach it when it is closed.')
param allowedIpRanges IpRanges

@description('Log Analytics workspace that hears of failed requests.')
param workspaceName string

resource workspace 'Microsoft.OperationalInsights/workspaces@2025-07-01' existing = {
  name: workspaceName
}

resource namespace 'Microsoft.EventGrid/namespaces@2025-02-15' = {
  name: name
  location: location
  tags: tags
  sku: { name: 'Standard', capacity: throughputUnits }
  // Only a system-assigned identity passes a storage firewall as a trusted service.
  identity: { type: 'SystemAssigned' }
  properties: {
    isZoneRedundant: zoneRedundant ? true : null
    minimumTlsVersionAllowed: '1.2'
    publicNetworkAccess: closed && empty(allowedIpRanges) ? 'Disabled' : 'Enabled'
    inboundIpRules: closed ? map(allowedIpRanges, range => { action: 'Allow', ipMask: range }) : []
  }
}

resource topic 'Microsoft.EventGrid/namespaces/topics@2025-02-15' = {
  parent: namespace
  name: topology.topic
  properties: {
    publisherType: 'Custom'
    inputSchema: 'CloudEventSchemaV1_0'
    eventRetentionInDays: topology.eventRetentionInDays
  }
}

resource failures 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'failures-to-log-analytics'
  scope: namespace
  properties: {
    workspaceId: workspace.id
    logs: [{ category: 'FailedHttpDataPlaneOperations', enabled: true }]
  }
}

@description('Where events are published and received.')
output endpoint string = 'https://${namespace.properties.topicsConfiguration!.hostname!}'

@description('Who writes dead letters.')
output principalId string = namespace.identity.principalId

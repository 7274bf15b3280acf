metadata description = 'The Event Grid namespace and its topic. The event subscriptions come last: dead-lettering needs a role first.'

import { topology } from '../topology.bicep'
import { Place } from '../types.bicep'

@description('Where everything is made.')
param place Place

@description('Name of the namespace.')
param name string

@description('Capacity.')
param throughputUnits int

@description('Spread over three zones. Otherwise the region decides; it cannot be changed later.')
param zoneRedundant bool

@description('Only private endpoints and the ranges below reach it.')
param closed bool

@description('Who else may reach it when it is closed.')
param allowedIpRanges string[]

@description('Log Analytics workspace that hears of failed requests.')
param workspaceId string

resource namespace 'Microsoft.EventGrid/namespaces@2025-02-15' = {
  name: name
  location: place.location
  tags: place.tags
  sku: { name: 'Standard', capacity: throughputUnits }
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
    workspaceId: workspaceId
    logs: [{ category: 'FailedHttpDataPlaneOperations', enabled: true }]
  }
}

@description('Where events are published and received.')
output endpoint string = 'https://${namespace.properties.topicsConfiguration!.hostname!}'

@description('Who writes dead letters.')
output principalId string = namespace.identity.principalId

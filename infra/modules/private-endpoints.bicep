metadata description = 'One private endpoint for each thing that is reached privately, and the DNS zones that lead there.'

import { Tags } from '../types.bicep'

@description('Region.')
param location string

@description('Tags.')
param tags Tags

@description('What is common to the names.')
param suffix string

@description('The network that resolves the names, with a subnet `endpoints`.')
param networkName string

@description('Name of the namespace.')
param namespaceName string

@description('Name of the account of the Functions host.')
param hostAccountName string

@description('Name of the data account.')
param dataAccountName string

resource namespace 'Microsoft.EventGrid/namespaces@2025-02-15' existing = {
  name: namespaceName
}

resource hostAccount 'Microsoft.Storage/storageAccounts@2025-08-01' existing = {
  name: hostAccountName
}

resource dataAccount 'Microsoft.Storage/storageAccounts@2025-08-01' existing = {
  name: dataAccountName
}

resource network 'Microsoft.Network/virtualNetworks@2025-07-01' existing = {
  name: networkName

  resource endpoints 'subnets' existing = {
    name: 'endpoints'
  }
}

var zoneNames = [
  'privatelink.eventgrid.azure.net'
  'privatelink.blob.${environment().suffixes.storage}'
  'privatelink.queue.${environment().suffixes.storage}'
  'privatelink.table.${environment().suffixes.storage}'
]
var targets = [
  { name: 'eventgrid', id: namespace.id, group: 'topic', zone: 0 }
  { name: 'host-blob', id: hostAccount.id, group: 'blob', zone: 1 }
  { name: 'host-queue', id: hostAccount.id, group: 'queue', zone: 2 }
  { name: 'host-table', id: hostAccount.id, group: 'table', zone: 3 }
  { name: 'data-blob', id: dataAccount.id, group: 'blob', zone: 1 }
]

resource zones 'Microsoft.Network/privateDnsZones@2024-06-01' = [
  for name in zoneNames: {
    name: name
    location: 'global'
    tags: tags
  }
]

resource links 'Microsoft.Network/privateDnsZones/virtualNetworkLinks@2024-06-01' = [
  for (name, place) in zoneNames: {
    parent: zones[place]
    name: 'to-vnet-${suffix}'
    location: 'global'
    tags: tags
    properties: {
      registrationEnabled: false
      virtualNetwork: { id: network.id }
    }
  }
]

resource endpoints 'Microsoft.Network/privateEndpoints@2025-07-01' = [
  for target in targets: {
    name: 'pep-${target.name}-${suffix}'
    location: location
    tags: tags
    properties: {
      subnet: { id: network::endpoints.id }
      privateLinkServiceConnections: [
        {
          name: target.name
          properties: {
            #disable-next-line use-resource-id-functions // it is one of the resources above
            privateLinkServiceId: target.id
            groupIds: [target.group]
          }
        }
      ]
    }
  }
]

resource records 'Microsoft.Network/privateEndpoints/privateDnsZoneGroups@2025-07-01' = [
  for (target, place) in targets: {
    parent: endpoints[place]
    name: 'default'
    properties: {
      privateDnsZoneConfigs: [
        { name: target.group, properties: { privateDnsZoneId: zones[target.zone].id } }
      ]
    }
    dependsOn: [links]
  }
]

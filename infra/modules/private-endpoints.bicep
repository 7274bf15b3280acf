metadata description = 'One private endpoint for each thing that is reached privately, and the DNS zones that lead there.'

import { Place, ZoneIds } from '../types.bicep'

@description('Where everything is made.')
param place Place

@description('Subnet of the endpoints.')
param subnetId string

@description('Network of that subnet.')
param networkId string

@description('DNS zones that are there already; null to make them, for that network.')
param zoneIds ZoneIds?

@description('Name of the namespace.')
param namespaceName string

@description('Names of the storage accounts, by what is in them.')
param accountNames { *: string }

// The host of an app of timers and HTTP needs blobs only; so do the quickstarts of Microsoft.
var zoneNames = zoneIds != null
  ? []
  : ['privatelink.eventgrid.azure.net', 'privatelink.blob.${environment().suffixes.storage}']
var targets = [
  { name: 'eventgrid', id: namespace.id, group: 'topic', zone: zoneIds.?eventGrid ?? own[0] }
  ...map(items(accountNames), account => {
    name: '${account.key}-blob'
    id: resourceId('Microsoft.Storage/storageAccounts', account.value)
    group: 'blob'
    zone: zoneIds.?blob ?? own[1]
  })
]
var own = map(zoneNames, name => resourceId('Microsoft.Network/privateDnsZones', name))

resource namespace 'Microsoft.EventGrid/namespaces@2025-02-15' existing = {
  name: namespaceName
}

resource zones 'Microsoft.Network/privateDnsZones@2024-06-01' = [
  for name in zoneNames: {
    name: name
    location: 'global'
    tags: place.tags
  }
]

resource links 'Microsoft.Network/privateDnsZones/virtualNetworkLinks@2024-06-01' = [
  for (name, number) in zoneNames: {
    parent: zones[number]
    name: 'to-vnet-${place.suffix}'
    location: 'global'
    tags: place.tags
    properties: {
      registrationEnabled: false
      virtualNetwork: { id: networkId }
    }
  }
]

resource endpoints 'Microsoft.Network/privateEndpoints@2025-07-01' = [
  for target in targets: {
    name: 'pep-${target.name}-${place.suffix}'
    location: place.location
    tags: place.tags
    properties: {
      subnet: { id: subnetId }
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
  for (target, number) in targets: if (zoneIds == null || !empty(target.zone)) {
    parent: endpoints[number]
    name: 'default'
    properties: {
      #disable-next-line use-resource-id-functions // one of the zones above, or a parameter
      privateDnsZoneConfigs: [{ name: target.group, properties: { privateDnsZoneId: target.zone } }]
    }
    dependsOn: [links]
  }
]

metadata description = 'A network with a subnet for the app and one for private endpoints.'

import { Place } from '../types.bicep'

@description('Where everything is made.')
param place Place

@description('Name of the network.')
param name string

@description('Addresses of the network, at least a /23.')
param addressPrefix string

// Azure's default rules are enough: traffic within the network and out of it, nothing in. Policies ask for one on each subnet.
resource rules 'Microsoft.Network/networkSecurityGroups@2025-07-01' = {
  name: 'nsg-${place.suffix}'
  location: place.location
  tags: place.tags
}

resource network 'Microsoft.Network/virtualNetworks@2025-07-01' = {
  name: name
  location: place.location
  tags: place.tags
  properties: {
    addressSpace: { addressPrefixes: [addressPrefix] }
    subnets: [
      {
        // Flex Consumption refuses an underscore in this name.
        name: 'app'
        properties: {
          addressPrefix: cidrSubnet(addressPrefix, 24, 0)
          networkSecurityGroup: { id: rules.id }
          delegations: [
            { name: 'flex-consumption', properties: { serviceName: 'Microsoft.App/environments' } }
          ]
        }
      }
      {
        name: 'endpoints'
        properties: {
          addressPrefix: cidrSubnet(addressPrefix, 24, 1)
          networkSecurityGroup: { id: rules.id }
          defaultOutboundAccess: false
          privateEndpointNetworkPolicies: 'Disabled'
        }
      }
    ]
  }
}

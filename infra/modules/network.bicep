metadata description = 'A network for the app, with private endpoints of everything it talks to. Tells nothing to the public internet.'

import { Tags } from '../types.bicep'

@description('Region.')
param location string

@description('Tags.')
param tags Tags

@description('What is common to the names.')
param suffix string

@description('Addresses of the network, at least a /23.')
param addressPrefix string

resource network 'Microsoft.Network/virtualNetworks@2025-07-01' = {
  name: 'vnet-${suffix}'
  location: location
  tags: tags
  properties: {
    addressSpace: { addressPrefixes: [addressPrefix] }
    subnets: [
      {
        // Flex Consumption refuses an underscore in this name.
        name: 'app'
        properties: {
          addressPrefix: cidrSubnet(addressPrefix, 24, 0)
          delegations: [
            { name: 'flex-consumption', properties: { serviceName: 'Microsoft.App/environments' } }
          ]
        }
      }
      {
        name: 'endpoints'
        properties: {
          addressPrefix: cidrSubnet(addressPrefix, 24, 1)
          defaultOutboundAccess: false
          privateEndpointNetworkPolicies: 'Disabled'
        }
      }
    ]
  }

  resource app 'subnets' existing = {
    name: 'app'
  }

  resource endpoints 'subnets' existing = {
    name: 'endpoints'
  }
}

@description('Subnet of the app.')
output appSubnetId string = network::app.id

@description('Subnet of private endpoints.')
output endpointSubnetId string = network::endpoints.id

@description('The network.')
output networkId string = network.id

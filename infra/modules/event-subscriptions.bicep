metadata description = 'The event subscriptions of the topology, each with its filter, its limits and its dead-letter location.'

import { topology } from '../topology.bicep'

@description('Name of the namespace.')
param namespaceName string

@description('Name of the storage account of dead letters.')
param deadLetterAccountName string

resource namespace 'Microsoft.EventGrid/namespaces@2025-02-15' existing = {
  name: namespaceName

  resource topic 'topics' existing = {
    name: topology.topic
  }
}

resource deadLetterAccount 'Microsoft.Storage/storageAccounts@2025-08-01' existing = {
  name: deadLetterAccountName
}

resource subscriptions 'Microsoft.EventGrid/namespaces/topics/eventSubscriptions@2025-02-15' = [
  for subscription in topology.eventSubscriptions: {
    parent: namespace::topic
    name: subscription.name
    properties: {
      eventDeliverySchema: 'CloudEventSchemaV1_0'
      deliveryConfiguration: {
        deliveryMode: 'Queue'
        queue: {
          receiveLockDurationInSeconds: subscription.receiveLockDurationInSeconds
          maxDeliveryCount: subscription.maxDeliveryCount
          eventTimeToLive: subscription.eventTimeToLive
          deadLetterDestinationWithResourceIdentity: {
            identity: { type: 'SystemAssigned' }
            deadLetterDestination: {
              endpointType: 'StorageBlob'
              properties: {
                resourceId: deadLetterAccount.id
                blobContainerName: topology.deadLetterContainer
              }
            }
          }
        }
      }
      filtersConfiguration: {
        includedEventTypes: subscription.?filtersConfiguration.?includedEventTypes
        filters: subscription.?filtersConfiguration.?filters ?? []
      }
    }
  }
]

metadata description = 'A storage account without keys: only identities with a role get in.'

import { Place } from '../types.bicep'

@description('Where everything is made.')
param place Place

@description('Its name.')
param name string

@description('Three zones instead of one datacenter.')
param zoneRedundant bool

@description('Only private endpoints and the ranges below reach it.')
param closed bool

@description('Who else may reach it when it is closed.')
param allowedIpRanges string[] = []

@description('Its containers.')
param containers string[]

@description('Days in which blobs of the first container can be appended to, and neither changed nor deleted; 0 for no such rule.')
param immutabilityDays int = 0

@description('Days in which what was deleted can be brought back.')
param softDeleteDays int

@description('Days until blobs are deleted; 0 keeps them.')
param retentionDays int = 0

@description('What kinds of blobs that are.')
param blobTypes ('appendBlob' | 'blockBlob')[] = []

@description('Log Analytics workspace that hears of deletions; empty for none.')
param workspaceId string = ''

resource account 'Microsoft.Storage/storageAccounts@2025-08-01' = {
  name: name
  location: place.location
  tags: place.tags
  kind: 'StorageV2'
  sku: { name: zoneRedundant ? 'Standard_ZRS' : 'Standard_LRS' }
  properties: {
    accessTier: 'Hot'
    allowBlobPublicAccess: false
    allowCrossTenantReplication: false
    allowSharedKeyAccess: false
    defaultToOAuthAuthentication: true
    minimumTlsVersion: 'TLS1_2'
    supportsHttpsTrafficOnly: true
    publicNetworkAccess: closed && empty(allowedIpRanges) ? 'Disabled' : 'Enabled'
    networkAcls: {
      bypass: 'None'
      defaultAction: closed ? 'Deny' : 'Allow'
      // The storage firewall refuses /31 and /32, and takes the plain address instead.
      ipRules: closed ? map(allowedIpRanges, range => { action: 'Allow', value: replace(range, '/32', '') }) : []
    }
  }

  resource blobs 'blobServices' = {
    name: 'default'
    properties: {
      deleteRetentionPolicy: { enabled: true, days: softDeleteDays }
      containerDeleteRetentionPolicy: { enabled: true, days: softDeleteDays }
    }

    resource folders 'containers' = [
      for container in containers: {
        name: container
        properties: { publicAccess: 'None' }
      }
    ]
  }
}

resource appendOnly 'Microsoft.Storage/storageAccounts/blobServices/containers/immutabilityPolicies@2025-08-01' = if (immutabilityDays > 0) {
  parent: account::blobs::folders[0]
  name: 'default'
  properties: {
    immutabilityPeriodSinceCreationInDays: immutabilityDays
    allowProtectedAppendWrites: true
  }
}

resource rules 'Microsoft.Storage/storageAccounts/managementPolicies@2025-08-01' = if (retentionDays > 0) {
  parent: account
  name: 'default'
  properties: {
    policy: {
      rules: [
        for container in containers: {
          name: 'delete-old-${container}'
          type: 'Lifecycle'
          enabled: true
          definition: {
            actions: { baseBlob: { delete: { daysAfterModificationGreaterThan: retentionDays } } }
            filters: { blobTypes: blobTypes, prefixMatch: ['${container}/'] }
          }
        }
      ]
    }
  }
}

resource deletions 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = if (!empty(workspaceId)) {
  name: 'deletions-to-log-analytics'
  scope: account::blobs
  properties: {
    workspaceId: workspaceId
    logs: [{ category: 'StorageDelete', enabled: true }]
  }
}

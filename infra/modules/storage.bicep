metadata description = 'Two accounts: one for the Functions host and its packages, one for audit entries, activity and dead letters.'

import { ImmutabilityDays, IpRanges, KeepDays, SoftDeleteDays, Tags } from '../types.bicep'

@description('Region.')
param location string

@description('Tags.')
param tags Tags

@description('Name of the account of the Functions host.')
param hostName string

@description('Name of the account of audit entries and dead letters.')
param dataName string

@description('Three zones instead of one datacenter.')
param zoneRedundant bool

@description('Only private endpoints reach the accounts.')
param closed bool

@description('Who else may reach the data account when it is closed.')
param allowedIpRanges IpRanges

@description('Container of packages.')
param packageContainer string

@description('Container of audit entries.')
param auditContainer string

@description('Container of activity summaries.')
param activityContainer string

@description('Container of dead letters.')
param deadLetterContainer string

@description('Days until audit entries and activity are deleted; 0 keeps them.')
param auditRetentionDays KeepDays

@description('Days until dead letters are deleted; 0 keeps them.')
param deadLetterRetentionDays KeepDays

@description('Days in which what was deleted can be brought back.')
param softDeleteDays SoftDeleteDays

@description('Days in which audit entries can be appended to, and neither changed nor deleted; 0 for no such rule.')
param auditImmutabilityDays ImmutabilityDays

@description('Log Analytics workspace that hears of deletions.')
param workspaceName string

resource workspace 'Microsoft.OperationalInsights/workspaces@2025-07-01' existing = {
  name: workspaceName
}

var sku = zoneRedundant ? 'Standard_ZRS' : 'Standard_LRS'

var lifecycle = filter(
  [
    { name: 'audit', container: auditContainer, days: auditRetentionDays, types: ['appendBlob'] }
    { name: 'activity', container: activityContainer, days: auditRetentionDays, types: ['appendBlob'] }
    // What was tried with a dead letter is in an append blob; redriven ones count from the day of their redrive.
    {
      name: 'dead-letters'
      container: deadLetterContainer
      days: deadLetterRetentionDays
      types: ['blockBlob', 'appendBlob']
    }
  ],
  rule => rule.days > 0
)

resource host 'Microsoft.Storage/storageAccounts@2025-08-01' = {
  name: hostName
  location: location
  tags: tags
  kind: 'StorageV2'
  sku: { name: sku }
  properties: {
    accessTier: 'Hot'
    allowBlobPublicAccess: false
    allowCrossTenantReplication: false
    allowSharedKeyAccess: false
    defaultToOAuthAuthentication: true
    minimumTlsVersion: 'TLS1_2'
    supportsHttpsTrafficOnly: true
    publicNetworkAccess: closed ? 'Disabled' : 'Enabled'
    networkAcls: {
      bypass: closed ? 'None' : 'AzureServices'
      defaultAction: closed ? 'Deny' : 'Allow'
    }
  }

  resource blobs 'blobServices' = {
    name: 'default'
    properties: {
      deleteRetentionPolicy: { enabled: true, days: softDeleteDays }
      containerDeleteRetentionPolicy: { enabled: true, days: softDeleteDays }
    }

    resource packages 'containers' = {
      name: packageContainer
      properties: { publicAccess: 'None' }
    }
  }
}

resource data 'Microsoft.Storage/storageAccounts@2025-08-01' = {
  name: dataName
  location: location
  tags: tags
  kind: 'StorageV2'
  sku: { name: sku }
  properties: {
    accessTier: 'Hot'
    allowBlobPublicAccess: false
    allowCrossTenantReplication: false
    allowSharedKeyAccess: false
    defaultToOAuthAuthentication: true
    minimumTlsVersion: 'TLS1_2'
    supportsHttpsTrafficOnly: true
    // Event Grid writes dead letters as a trusted service, which is known to work only while public access is enabled.
    publicNetworkAccess: 'Enabled'
    networkAcls: {
      bypass: 'AzureServices'
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

    resource audit 'containers' = {
      name: auditContainer
      properties: { publicAccess: 'None' }

      resource appendOnly 'immutabilityPolicies' = if (auditImmutabilityDays > 0) {
        name: 'default'
        properties: {
          immutabilityPeriodSinceCreationInDays: auditImmutabilityDays
          allowProtectedAppendWrites: true
        }
      }
    }

    resource activity 'containers' = {
      name: activityContainer
      properties: { publicAccess: 'None' }
    }

    resource deadLetters 'containers' = {
      name: deadLetterContainer
      properties: { publicAccess: 'None' }
    }
  }
}

resource rules 'Microsoft.Storage/storageAccounts/managementPolicies@2025-08-01' = if (!empty(lifecycle)) {
  parent: data
  name: 'default'
  properties: {
    policy: {
      rules: [
        for rule in lifecycle: {
          name: 'delete-old-${rule.name}'
          type: 'Lifecycle'
          enabled: true
          definition: {
            actions: { baseBlob: { delete: { daysAfterModificationGreaterThan: rule.days } } }
            filters: { blobTypes: rule.types, prefixMatch: ['${rule.container}/'] }
          }
        }
      ]
    }
  }
}

resource deletions 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'deletions-to-log-analytics'
  scope: data::blobs
  properties: {
    workspaceId: workspace.id
    logs: [{ category: 'StorageDelete', enabled: true }]
  }
}

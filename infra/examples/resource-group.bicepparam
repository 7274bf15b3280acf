using '../resources.bicep'

// Into a resource group that is there already: az deployment group create.
param environmentName = 'there'
param location = 'uksouth'
param principalId = '33333333-3333-3333-3333-333333333333'
param principalType = 'Group'
param pythonVersion = '3.12'
param auditRetentionDays = 0
param deadLetterRetentionDays = 0

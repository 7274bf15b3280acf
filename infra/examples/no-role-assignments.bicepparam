using '../main.bicep'

// For a deployer who is Contributor and no more; ROLES_TO_ASSIGN is for the administrator.
param environmentName = 'norights'
param location = 'northeurope'
param principalId = '11111111-1111-1111-1111-111111111111'
param principalType = 'ServicePrincipal'
param createRoleAssignments = false

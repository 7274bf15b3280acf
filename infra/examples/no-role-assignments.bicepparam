using '../main.bicep'

// For a deployer who is Contributor and no more; ROLES_TO_ASSIGN is for the administrator. The first of two passes:
// event subscriptions come with createEventSubscriptions, once the roles are there.
param environmentName = 'norights'
param location = 'northeurope'
param createRoleAssignments = false

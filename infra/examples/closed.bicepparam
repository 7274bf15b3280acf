using '../main.bicep'

// A private network without a single exception: even the developer has to come through it.
param environmentName = 'closed'
param location = 'germanywestcentral'
param vnetEnabled = true
param developerRoles = false

using '../main.bicep'

// Into what a platform team runs: their subnets, DNS zones and workspace, tags that a policy asks for, roles by an administrator
// who has assigned them already, and a group of developers instead of whoever deploys.
param environmentName = 'there'
param location = 'uksouth'
param tags = { costCentre: '4711', owner: 'moderation@example.com' }
param createRoleAssignments = false
param createEventSubscriptions = true
param developerId = '33333333-3333-3333-3333-333333333333'
param vnetEnabled = true
param appSubnetId = '/subscriptions/44444444-4444-4444-4444-444444444444/resourceGroups/rg-spoke/providers/Microsoft.Network/virtualNetworks/vnet-spoke/subnets/functions'
param endpointSubnetId = '/subscriptions/44444444-4444-4444-4444-444444444444/resourceGroups/rg-spoke/providers/Microsoft.Network/virtualNetworks/vnet-spoke/subnets/endpoints'
param privateDnsZoneIds = {
  eventGrid: '/subscriptions/55555555-5555-5555-5555-555555555555/resourceGroups/rg-dns/providers/Microsoft.Network/privateDnsZones/privatelink.eventgrid.azure.net'
  blob: '/subscriptions/55555555-5555-5555-5555-555555555555/resourceGroups/rg-dns/providers/Microsoft.Network/privateDnsZones/privatelink.blob.core.windows.net'
}
param logAnalyticsWorkspaceId = '/subscriptions/55555555-5555-5555-5555-555555555555/resourceGroups/rg-logs/providers/Microsoft.OperationalInsights/workspaces/log-platform'
param auditRetentionDays = 0
param deadLetterRetentionDays = 0

using '../main.bicep'

// Nothing but the page is reachable from outside, and the page asks people to sign in. One developer's address is let in.
param environmentName = 'locked'
param location = 'swedencentral'
param tags = { owner: 'moderation@example.com' }
param developerId = '11111111-1111-1111-1111-111111111111'
param vnetEnabled = true
param allowedIpRanges = ['203.0.113.7/32']
param authClientId = '22222222-2222-2222-2222-222222222222'
param zoneRedundant = true
param publishSamples = false
param auditImmutabilityDays = 90
param alertEmail = 'operators@example.com'
param noDrainMinutes = 120

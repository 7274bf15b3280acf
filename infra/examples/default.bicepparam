using '../main.bicep'

// No choice made. Its plan, default.snapshot.json, is committed and reviewed with a change.
param environmentName = 'dev'
param location = 'swedencentral'

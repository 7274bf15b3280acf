using '../main.bicep'

// Names as long as Azure takes them.
param environmentName = 'an-environment-of-thirty-chars'
param location = 'southafricanorth'
param functionAppName = 'a-function-app-of-sixty-characters-xxxxxxxxxxxxxxxxxxxxxxxxx'
param hostStorageName = 'storageofthefunctionhost'
param dataStorageName = 'storageofentriesandmore1'
param deadLetterStorageName = 'storageofeventsrejected1'
param auditContainer = 'a-container-of-sixty-three-characters-xxxxxxxxxxxxxxxxxxxxxxxxx'
param activityContainer = 'another-container-of-sixty-three-characters-xxxxxxxxxxxxxxxxxxx'

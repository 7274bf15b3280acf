metadata description = 'The function app on Flex Consumption, with every setting that its code reads.'

import { AlwaysReady, InstanceCount, InstanceMemoryMB, PythonVersion, Tags } from '../types.bicep'

@description('Region.')
param location string

@description('Tags.')
param tags Tags

@description('Name of the function app.')
param name string

@description('Name of its plan.')
param planName string

@description('Spread over zones.')
param zoneRedundant bool

@description('Python that runs the app.')
param pythonVersion PythonVersion

@description('Memory of an instance.')
param instanceMemoryMB InstanceMemoryMB

@description('How many instances each group of functions may grow to.')
param maximumInstanceCount InstanceCount

@description('What is kept warm.')
param alwaysReady AlwaysReady[]

@description('Where packages go.')
param packagesUrl string

@description('Name of the account of the Functions host.')
param hostAccountName string

@description('Id of the app\'s identity.')
param identityId string

@description('Client id of the app\'s identity.')
param identityClientId string

@description('Where telemetry goes.')
param telemetryConnectionString string

@description('What the code reads.')
param settings { *: string }

@description('The app is in a network.')
param inNetwork bool

@description('That network, with a subnet `app`.')
param networkName string

@description('App registration of people who may see the page; empty for no sign-in.')
param authClientId string

@description('Tenant of those people.')
param authTenantId string

var hostSettings = {
  AzureWebJobsStorage__accountName: hostAccountName
  AzureWebJobsStorage__credential: 'managedidentity'
  AzureWebJobsStorage__clientId: identityClientId
  APPLICATIONINSIGHTS_CONNECTION_STRING: telemetryConnectionString
  APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'ClientId=${identityClientId};Authorization=AAD'
  AZURE_CLIENT_ID: identityClientId
}
// Signing in with the identity instead of a secret; the platform knows it by this name.
var secretless = 'OVERRIDE_USE_MI_FIC_ASSERTION_CLIENTID'
var authSettings = empty(authClientId) ? {} : { '${secretless}': identityClientId }

resource network 'Microsoft.Network/virtualNetworks@2025-07-01' existing = {
  name: networkName

  resource app 'subnets' existing = {
    name: 'app'
  }
}

resource plan 'Microsoft.Web/serverfarms@2025-03-01' = {
  name: planName
  location: location
  tags: tags
  kind: 'functionapp'
  sku: { name: 'FC1', tier: 'FlexConsumption' }
  properties: {
    reserved: true
    zoneRedundant: zoneRedundant
  }
}

resource app 'Microsoft.Web/sites@2025-03-01' = {
  name: name
  location: location
  tags: { ...tags, 'azd-service-name': 'app' }
  kind: 'functionapp,linux'
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: { '${identityId}': {} }
  }
  properties: {
    serverFarmId: plan.id
    httpsOnly: true
    publicNetworkAccess: 'Enabled'
    virtualNetworkSubnetId: inNetwork ? network::app.id : null
    siteConfig: {
      minTlsVersion: '1.2'
      // Inline, because a resource of its own would replace them and restart the app a second time.
      appSettings: map(items({ ...hostSettings, ...settings, ...authSettings }), setting => {
        name: setting.key
        value: setting.value
      })
    }
    functionAppConfig: {
      deployment: {
        storage: {
          type: 'blobContainer'
          value: packagesUrl
          authentication: {
            type: 'UserAssignedIdentity'
            userAssignedIdentityResourceId: identityId
          }
        }
      }
      runtime: { name: 'python', version: pythonVersion }
      scaleAndConcurrency: {
        instanceMemoryMB: instanceMemoryMB
        maximumInstanceCount: maximumInstanceCount
        alwaysReady: alwaysReady
      }
    }
  }

  resource auth 'config' = if (!empty(authClientId)) {
    name: 'authsettingsV2'
    properties: {
      platform: { enabled: true }
      globalValidation: {
        requireAuthentication: true
        unauthenticatedClientAction: 'RedirectToLoginPage'
        redirectToProvider: 'azureactivedirectory'
      }
      identityProviders: {
        azureActiveDirectory: {
          enabled: true
          registration: {
            clientId: authClientId
            clientSecretSettingName: secretless
            openIdIssuer: '${environment().authentication.loginEndpoint}${authTenantId}/v2.0'
          }
          validation: {
            allowedAudiences: [authClientId, 'api://${authClientId}']
          }
        }
      }
      httpSettings: { requireHttps: true }
      login: { tokenStore: { enabled: false } }
    }
  }
}

@description('Host of the page.')
output hostName string = app.properties.defaultHostName

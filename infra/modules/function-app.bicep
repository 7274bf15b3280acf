metadata description = 'The function app on Flex Consumption, with every setting that its code reads.'

import { AlwaysReady, Place } from '../types.bicep'

@description('Where everything is made.')
param place Place

@description('Name of the function app.')
param name string

@description('Spread over zones.')
param zoneRedundant bool

@description('Memory of an instance.')
param instanceMemoryMB int

@description('How many instances each group of functions may grow to.')
param maximumInstanceCount int

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

@description('Subnet that the app is in; null for none.')
param subnetId string?

@description('App registration of people who may see the page; empty for no sign-in.')
param authClientId string

@description('Tenant of those people.')
param authTenantId string

// Signing in with the identity instead of a secret; the platform knows it by this name.
var secretless = 'OVERRIDE_USE_MI_FIC_ASSERTION_CLIENTID'
var hostSettings = {
  AzureWebJobsStorage__accountName: hostAccountName
  AzureWebJobsStorage__credential: 'managedidentity'
  AzureWebJobsStorage__clientId: identityClientId
  APPLICATIONINSIGHTS_CONNECTION_STRING: telemetryConnectionString
  APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'ClientId=${identityClientId};Authorization=AAD'
  AZURE_CLIENT_ID: identityClientId
  ...(empty(authClientId) ? {} : { '${secretless}': identityClientId })
}

resource plan 'Microsoft.Web/serverfarms@2025-03-01' = {
  name: 'plan-${place.suffix}'
  location: place.location
  tags: place.tags
  kind: 'functionapp'
  sku: { name: 'FC1', tier: 'FlexConsumption' }
  properties: { reserved: true, zoneRedundant: zoneRedundant }
}

resource app 'Microsoft.Web/sites@2025-03-01' = {
  name: name
  location: place.location
  tags: { ...place.tags, 'azd-service-name': 'app' }
  kind: 'functionapp,linux'
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: { '${identityId}': {} }
  }
  properties: {
    serverFarmId: plan.id
    httpsOnly: true
    publicNetworkAccess: 'Enabled'
    virtualNetworkSubnetId: subnetId
    siteConfig: {
      minTlsVersion: '1.2'
      // Inline, because a resource of its own would replace them and restart the app a second time.
      appSettings: map(items({ ...hostSettings, ...settings }), setting => {
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
      // The Python that the package is built for; another one would find no module in it.
      runtime: { name: 'python', version: '3.13' }
      scaleAndConcurrency: {
        instanceMemoryMB: instanceMemoryMB
        maximumInstanceCount: maximumInstanceCount
        alwaysReady: alwaysReady
      }
    }
  }

  // Always there, so that a deployment without an app registration switches it off again.
  resource auth 'config' = {
    name: 'authsettingsV2'
    properties: {
      platform: { enabled: !empty(authClientId) }
      // The app itself answers who may do what: the page loads for everybody, and says where to sign in.
      globalValidation: { requireAuthentication: false, unauthenticatedClientAction: 'AllowAnonymous' }
      identityProviders: empty(authClientId)
        ? {}
        : {
            azureActiveDirectory: {
              enabled: true
              registration: {
                clientId: authClientId
                clientSecretSettingName: secretless
                openIdIssuer: '${environment().authentication.loginEndpoint}${authTenantId}/v2.0'
              }
              validation: { allowedAudiences: [authClientId, 'api://${authClientId}'] }
            }
          }
      httpSettings: { requireHttps: true }
      login: { tokenStore: { enabled: false } }
    }
  }
}

@description('Host of the page.')
output hostName string = app.properties.defaultHostName

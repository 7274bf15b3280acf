metadata description = 'Who may do what, each at the smallest scope. All but the receivers\' roles, which need the event subscriptions.'

import { asCommand } from '../grants.bicep'
import { PrincipalType } from '../types.bicep'
import { topology } from '../topology.bicep'

@description('Assign the roles; otherwise only list them.')
param assign bool

@description('The app\'s identity.')
param appPrincipalId string

@description('The namespace\'s identity.')
param namespacePrincipalId string

@description('The person or pipeline that deploys; empty for nobody.')
param developerPrincipalId string

@description('What that is.')
param developerPrincipalType PrincipalType

@description('Name of the namespace.')
param namespaceName string

@description('Name of the account of the Functions host.')
param hostAccountName string

@description('Name of the data account.')
param dataAccountName string

@description('Containers of audit entries and activity.')
param logContainers string[]

@description('Name of the Application Insights component.')
param componentName string

var roleIds = loadJsonContent('../roles.json')
var app = { who: 'the function app', principalId: appPrincipalId, principalType: 'ServicePrincipal' }
var eventGrid = { who: 'the namespace', principalId: namespacePrincipalId, principalType: 'ServicePrincipal' }
var developer = {
  who: 'the developer'
  principalId: developerPrincipalId
  principalType: developerPrincipalType
}
var developers = empty(developerPrincipalId) ? [] : [developer]
var containerNames = [...logContainers, topology.deadLetterContainer]
var deadLetters = length(logContainers)

var senders = [app, ...developers]
var hostRoles = ['Storage Blob Data Owner', 'Storage Queue Data Contributor', 'Storage Table Data Contributor']
var writers = concat(
  flatten(map(range(0, length(containerNames)), place => map([app, ...developers], who => { place: place, who: who }))),
  [{ place: deadLetters, who: eventGrid }]
)

resource namespace 'Microsoft.EventGrid/namespaces@2025-02-15' existing = {
  name: namespaceName

  resource topic 'topics' existing = {
    name: topology.topic
  }
}

resource hostAccount 'Microsoft.Storage/storageAccounts@2025-08-01' existing = {
  name: hostAccountName
}

resource dataAccount 'Microsoft.Storage/storageAccounts@2025-08-01' existing = {
  name: dataAccountName

  resource blobs 'blobServices' existing = {
    name: 'default'
  }
}

resource containers 'Microsoft.Storage/storageAccounts/blobServices/containers@2025-08-01' existing = [
  for name in containerNames: {
    parent: dataAccount::blobs
    name: name
  }
]

resource component 'Microsoft.Insights/components@2020-02-02' existing = {
  name: componentName
}

resource sending 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for who in senders: if (assign) {
    name: guid(namespace::topic.id, who.principalId, roleIds['EventGrid Data Sender'])
    scope: namespace::topic
    properties: {
      principalId: who.principalId
      principalType: who.principalType
      roleDefinitionId: subscriptionResourceId(
        'Microsoft.Authorization/roleDefinitions',
        roleIds['EventGrid Data Sender']
      )
    }
  }
]

resource hosting 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for role in hostRoles: if (assign) {
    name: guid(hostAccount.id, app.principalId, roleIds[role])
    scope: hostAccount
    properties: {
      principalId: app.principalId
      principalType: app.principalType
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roleIds[role])
    }
  }
]

resource writing 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for one in writers: if (assign) {
    name: guid(containers[one.place].id, one.who.principalId, roleIds['Storage Blob Data Contributor'])
    scope: containers[one.place]
    properties: {
      principalId: one.who.principalId
      principalType: one.who.principalType
      roleDefinitionId: subscriptionResourceId(
        'Microsoft.Authorization/roleDefinitions',
        roleIds['Storage Blob Data Contributor']
      )
    }
  }
]

resource publishingMetrics 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (assign) {
  name: guid(component.id, app.principalId, roleIds['Monitoring Metrics Publisher'])
  scope: component
  properties: {
    principalId: app.principalId
    principalType: app.principalType
    roleDefinitionId: subscriptionResourceId(
      'Microsoft.Authorization/roleDefinitions',
      roleIds['Monitoring Metrics Publisher']
    )
  }
}

var grants = concat(
  map(senders, who => {
    who: who.who
    principalId: who.principalId
    principalType: who.principalType
    role: 'EventGrid Data Sender'
    scope: namespace::topic.id
  }),
  map(hostRoles, role => {
    who: app.who
    principalId: app.principalId
    principalType: app.principalType
    role: role
    scope: hostAccount.id
  }),
  map(writers, one => {
    who: one.who.who
    principalId: one.who.principalId
    principalType: one.who.principalType
    role: 'Storage Blob Data Contributor'
    scope: '${dataAccount::blobs.id}/containers/${containerNames[one.place]}'
  }),
  [
    {
      who: app.who
      principalId: app.principalId
      principalType: app.principalType
      role: 'Monitoring Metrics Publisher'
      scope: component.id
    }
  ]
)

@description('Every role assignment that this module makes, as a command for somebody who may.')
output commands string[] = map(grants, grant => asCommand(grant, roleIds[grant.role]))

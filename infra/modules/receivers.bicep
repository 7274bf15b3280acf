metadata description = 'Who may receive from each event subscription.'

import { asCommand } from '../grants.bicep'
import { PrincipalType } from '../types.bicep'
import { topology } from '../topology.bicep'

@description('Assign the roles; otherwise only list them.')
param assign bool

@description('The app\'s identity.')
param appPrincipalId string

@description('The person or pipeline that deploys; empty for nobody.')
param developerPrincipalId string

@description('What that is.')
param developerPrincipalType PrincipalType

@description('Name of the namespace.')
param namespaceName string

@description('Names of the event subscriptions, which have to be there.')
param subscriptionNames string[]

var role = 'EventGrid Data Receiver'
var roleId = loadJsonContent('../roles.json')[role]
var receivers = concat(
  [{ who: 'the function app', principalId: appPrincipalId, principalType: 'ServicePrincipal' }],
  empty(developerPrincipalId)
    ? []
    : [{ who: 'the developer', principalId: developerPrincipalId, principalType: developerPrincipalType }]
)
var receiving = flatten(map(
  range(0, length(subscriptionNames)),
  place => map(receivers, receiver => { place: place, who: receiver })
))

resource namespace 'Microsoft.EventGrid/namespaces@2025-02-15' existing = {
  name: namespaceName

  resource topic 'topics' existing = {
    name: topology.topic
  }
}

resource subscriptions 'Microsoft.EventGrid/namespaces/topics/eventSubscriptions@2025-02-15' existing = [
  for name in subscriptionNames: {
    parent: namespace::topic
    name: name
  }
]

resource assignments 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for one in receiving: if (assign) {
    name: guid(subscriptions[one.place].id, one.who.principalId, roleId)
    scope: subscriptions[one.place]
    properties: {
      principalId: one.who.principalId
      principalType: one.who.principalType
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roleId)
    }
  }
]

var grants = map(receiving, one => {
  who: one.who.who
  principalId: one.who.principalId
  principalType: one.who.principalType
  role: role
  scope: '${namespace::topic.id}/eventSubscriptions/${subscriptionNames[one.place]}'
})

@description('Every role assignment that this module makes, as a command for somebody who may.')
output commands string[] = map(grants, grant => asCommand(grant, roleId))

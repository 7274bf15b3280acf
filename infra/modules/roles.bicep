metadata description = 'Who may do what, each at the smallest scope: one table, of which follow the assignments and the commands that make them.'

import { topology } from '../topology.bicep'

@description('Assign the roles; otherwise only list them.')
param assign bool

@description('The app\'s identity.')
param appPrincipalId string

@description('The namespace\'s identity.')
param namespacePrincipalId string

@description('People or groups that run the app on a laptop against Azure.')
param developerIds string[]

@description('Names of what the roles are about.')
param names {
  namespace: string
  hostStorage: string
  dataStorage: string
  deadLetterStorage: string
  component: string
  *: string
}

@description('Containers of audit entries and activity.')
param logContainers string[]

@description('What is in those can be appended to, and neither changed nor deleted.')
param appendOnly bool

@description('Somebody who needs roles. Only an identity that is new needs its type said.')
type Principal = {
  who: string
  id: string
  type: 'ServicePrincipal'?
}

@description('One role of one principal, and the properties of its assignment.')
type Grant = {
  who: string
  role: string
  on: string
  properties: {
    principalId: string
    principalType: 'ServicePrincipal'?
    roleDefinitionId: string
    condition: string?
    conditionVersion: '2.0'?
  }
}

@description('The same role for each of them.')
func granted(principals Principal[], role string, on string, condition string) Grant[] =>
  map(principals, principal => {
    who: principal.who
    role: role
    on: on
    properties: {
      principalId: principal.id
      principalType: principal.?type
      roleDefinitionId: subscriptionResourceId(
        'Microsoft.Authorization/roleDefinitions',
        loadJsonContent('../roles.json')[role]
      )
      condition: empty(condition) ? null : condition
      conditionVersion: empty(condition) ? null : '2.0'
    }
  })

@description('The id of its role.')
func roleIdOf(grant Grant) string => last(split(grant.properties.roleDefinitionId, '/'))

@description('What somebody runs who may assign roles, in bash and in PowerShell.')
func asCommand(grant Grant, scope string) string =>
  join(
    [
      'az role assignment create --assignee-object-id ${grant.properties.principalId}'
      ...(empty(grant.properties.?principalType) ? [] : ['--assignee-principal-type ServicePrincipal'])
      '--role ${roleIdOf(grant)} --scope ${scope}'
      ...(empty(grant.properties.?condition)
        ? []
        : ['--condition "@infra/append-only.condition" --condition-version 2.0'])
      '# ${grant.role} for ${grant.who}'
    ],
    ' '
  )

var app = { who: 'the function app', id: appPrincipalId, type: 'ServicePrincipal' }
var eventGrid = { who: 'the namespace', id: namespacePrincipalId, type: 'ServicePrincipal' }
var users = [app, ...map(developerIds, id => { who: 'the developer', id: id })]
var accountNames = [names.hostStorage, names.deadLetterStorage]
var containerPaths = [
  ...map(logContainers, name => '${names.dataStorage}/default/${name}')
  '${names.deadLetterStorage}/default/${topology.deadLetterContainer}'
]
var writer = 'Storage Blob Data Contributor'
var condition = appendOnly ? loadTextContent('../append-only.condition') : ''
var grants = [
  ...granted(users, 'EventGrid Data Sender', 'the topic', '')
  ...granted(users, 'EventGrid Data Receiver', 'the topic', '')
  ...granted([app], 'Storage Blob Data Owner', names.hostStorage, '')
  ...granted([app], 'Monitoring Metrics Publisher', 'the component', '')
  ...granted(users, writer, containerPaths[0], condition)
  ...granted(users, writer, containerPaths[1], condition)
  ...granted(users, writer, containerPaths[2], '')
  // The whole account, as Event Grid's documentation has it; there is nothing else in it.
  ...granted([eventGrid], writer, names.deadLetterStorage, '')
]

resource namespace 'Microsoft.EventGrid/namespaces@2025-02-15' existing = {
  name: names.namespace

  resource topic 'topics' existing = {
    name: topology.topic
  }
}

resource accounts 'Microsoft.Storage/storageAccounts@2025-08-01' existing = [
  for name in accountNames: {
    name: name
  }
]

resource containers 'Microsoft.Storage/storageAccounts/blobServices/containers@2025-08-01' existing = [
  for path in containerPaths: {
    name: path
  }
]

resource component 'Microsoft.Insights/components@2020-02-02' existing = {
  name: names.component
}

resource onTopic 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for grant in filter(grants, grant => grant.on == 'the topic'): if (assign) {
    name: guid(namespace::topic.id, grant.properties.principalId, roleIdOf(grant))
    scope: namespace::topic
    properties: grant.properties
  }
]

resource onComponent 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for grant in filter(grants, grant => grant.on == 'the component'): if (assign) {
    name: guid(component.id, grant.properties.principalId, roleIdOf(grant))
    scope: component
    properties: grant.properties
  }
]

resource onAccounts 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for grant in filter(grants, grant => contains(accountNames, grant.on)): if (assign) {
    name: guid(accounts[indexOf(accountNames, grant.on)].id, grant.properties.principalId, roleIdOf(grant))
    scope: accounts[indexOf(accountNames, grant.on)]
    properties: grant.properties
  }
]

resource onContainers 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for grant in filter(grants, grant => contains(containerPaths, grant.on)): if (assign) {
    name: guid(containers[indexOf(containerPaths, grant.on)].id, grant.properties.principalId, roleIdOf(grant))
    scope: containers[indexOf(containerPaths, grant.on)]
    properties: grant.properties
  }
]

var scopes = {
  'the topic': namespace::topic.id
  'the component': component.id
  '${accountNames[0]}': accounts[0].id
  '${accountNames[1]}': accounts[1].id
  '${containerPaths[0]}': containers[0].id
  '${containerPaths[1]}': containers[1].id
  '${containerPaths[2]}': containers[2].id
}

@description('Every role assignment that this module makes, as a command for somebody who may.')
output commands string[] = map(grants, grant => asCommand(grant, scopes[grant.on]))

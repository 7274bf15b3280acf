metadata description = 'What the parameters may be. Both entry points, main.bicep and resources.bicep, take the same ones.'

@export()
@minLength(1)
@maxLength(30)
@description('1 to 30 letters, digits and hyphens: it is part of names that end at 50.')
type EnvironmentName = string

@export()
@description('Who deploys, as azd puts it into AZURE_PRINCIPAL_TYPE.')
type PrincipalType = 'User' | 'ServicePrincipal' | 'Group'

@export()
@minLength(3)
@maxLength(50)
type NamespaceName = string

@export()
@minLength(2)
@maxLength(60)
type FunctionAppName = string

@export()
@minLength(3)
@maxLength(24)
type StorageAccountName = string

@export()
@minValue(1)
@maxValue(40)
@description('One takes in 1,000 events or 1 MB a second and hands out 2,000 events or 2 MB a second.')
type ThroughputUnits = int

@export()
@description('Flex Consumption counts 512 MB as a quarter of a core, 2048 as one, 4096 as two.')
type InstanceMemoryMB = 512 | 2048 | 4096

@export()
@minValue(1)
@maxValue(1000)
type InstanceCount = int

@export()
@description('What is kept warm: the group `http` or one timer function, as `function:pull_flagged`.')
type AlwaysReady = {
  name: string

  @minValue(1)
  @maxValue(1000)
  instanceCount: int
}

@export()
@description('The versions that requirements.txt is pinned for.')
type PythonVersion = '3.12' | '3.13'

@export()
@minLength(11)
@maxLength(100)
@description('Six fields: second minute hour day month weekday, UTC.')
type Schedule = string

@export()
@minValue(10)
@maxValue(1800)
type BudgetSeconds = int

@export()
@minValue(1)
@maxValue(3600)
type HandlerSeconds = int

@export()
type Payloads = 'shown' | 'on-request' | 'never'

@export()
@minValue(1)
@maxValue(16)
type Lanes = int

@export()
@minLength(3)
@maxLength(63)
type ContainerName = string

@export()
@minValue(0)
@maxValue(36500)
@description('0 keeps for ever.')
type KeepDays = int

@export()
@minValue(0)
@maxValue(146000)
@description('0 leaves it off.')
type ImmutabilityDays = int

@export()
@minValue(1)
@maxValue(365)
type SoftDeleteDays = int

@export()
@minValue(30)
@maxValue(730)
type LogRetentionDays = int

@export()
@description('Minutes that a log search alert can look back.')
type AlertWindowMinutes = 15 | 30 | 45 | 60 | 120 | 180 | 240 | 300 | 360 | 1440

@export()
@maxLength(16)
@description('IPv4 addresses or ranges in CIDR notation; a namespace takes 16.')
type IpRanges = string[]

@export()
type Tags = { *: string }

@export()
@description('What is checked of an event subscription. Its filters are left to Event Grid\'s own types.')
type EventSubscription = {
  name: string
  receiveLockDurationInSeconds: int
  maxDeliveryCount: int
  eventTimeToLive: string
}

@export()
@description('What topology.json holds.')
type Topology = {
  topic: string
  eventRetentionInDays: int
  deadLetterContainer: string
  eventSubscriptions: EventSubscription[]
}

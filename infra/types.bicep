metadata description = 'What modules have in common, and how main.bicepparam reads variables: an empty one leaves a parameter its default.'

@export()
@description('Where everything is made, and what is common to all names and tags.')
type Place = {
  location: string
  suffix: string
  tags: { *: string }
}

@export()
@description('What is kept warm: the group `http` or one timer function, as `function:pull_flagged`.')
type AlwaysReady = {
  name: string

  @minValue(1)
  @maxValue(1000)
  instanceCount: int
}

@export()
@description('Private DNS zones of somebody else. An empty id: a policy makes the records.')
type ZoneIds = {
  @description('privatelink.eventgrid.azure.net')
  eventGrid: string

  @description('privatelink.blob.core.windows.net')
  blob: string
}

@export()
@description('The text of a variable.')
func text(value string) string? => empty(value) ? null : value

@export()
@description('The whole number in a variable.')
func whole(value string) int? => empty(value) ? null : int(value)

@export()
@description('The yes or no in a variable.')
func flag(value string) bool? => empty(value) ? null : bool(value)

@export()
@description('One entry of a map by event subscription, from the variable that older versions had for it.')
func entry(subscription string, value string) { *: string } => empty(value) ? {} : { '${subscription}': value }

@export()
@description('Rows of a table, which is there only after its first line: union isfuzzy lets a query go without.')
func rowsOf(table string, columns string, condition string) string =>
  'union isfuzzy=true (datatable(TimeGenerated: datetime, ${columns})[]), ${table} | where ${condition}'

metadata description = 'moderation/topology.json: what it means, what follows from its names, and what is wrong with it.'

@export()
var topology = meaningOf(loadJsonContent('../moderation/topology.json'))

@export()
@description('One event subscription, with everything that it leaves out. Its filters are Event Grid\'s own.')
type EventSubscription = {
  name: string
  receiveLockDurationInSeconds: int
  maxDeliveryCount: int
  eventTimeToLive: string
  filtersConfiguration: Written?
}

@export()
@description('What topology.json means, with everything that it leaves out.')
type Topology = {
  topic: string
  eventRetentionInDays: int
  deadLetterContainer: string
  eventSubscriptions: EventSubscription[]
}

@description('Whatever somebody wrote.')
#disable-next-line no-explicit-any // what it is, is what is looked at here
type Written = any

// Besides those that people write for editors and for each other.
var remarks = ['$schema', 'description']
var keys = [...remarks, 'topic', 'eventRetentionInDays', 'deadLetterContainer', 'eventSubscriptions']
var subscriptionKeys = [...remarks, 'name', ...limitKeys, 'filtersConfiguration']
var limitKeys = ['receiveLockDurationInSeconds', 'maxDeliveryCount', 'eventTimeToLive']
var units = ['D', 'H', 'M', 'S']
var letters = 'abcdefghijklmnopqrstuvwxyz0123456789-'

@description('Whether something is text ("), a list ([) or an object ({), as its JSON begins.')
func isKind(value Written, beginning string) bool => substring(string([value]), 1, 1) == beginning

@description('A whole number within limits.')
func isWhole(value Written, lowest int, highest int) bool =>
  contains(map(range(lowest, highest - lowest + 1), number => '[${number}]'), string([value]))

@description('Text of a length, of these characters only.')
func isMadeOf(value Written, characters string, shortest int, longest int) bool =>
  isKind(value, '"') && length(string(value)) >= shortest && length(string(value)) <= longest && !contains(
    map(range(0, length(string(value))), place => contains(characters, substring(string(value), place, 1))),
    false
  )

@description('3 to 50 letters, digits and hyphens, as topics and event subscriptions are named.')
func isName(value Written) bool => isMadeOf(value, '${letters}${toUpper(letters)}', 3, 50)

@description('3 to 63 lower-case letters and digits, with single hyphens between them.')
func isContainer(value Written) bool => isMadeOf(value, letters, 3, 63) && !contains('-${value}-', '--')

@description('The number before a unit of an ISO 8601 duration; empty where the unit is not there.')
func numberOf(duration string, unit string) string =>
  contains(duration, unit) ? last(split(split(duration, unit)[0], ['P', 'D', 'T', 'H', 'M'])) : ''

@description('That number and its unit.')
func partOf(duration string, unit string) string => contains(duration, unit) ? '${numberOf(duration, unit)}${unit}' : ''

@description('Its hours, minutes and seconds.')
func timeOf(duration string) string =>
  contains(duration, 'T') ? 'T${partOf(duration, 'H')}${partOf(duration, 'M')}${partOf(duration, 'S')}' : ''

@description('Days, hours, minutes and seconds, in this order, each at most once and at least one.')
func isDuration(value Written) bool =>
  isKind(value, '"') && string(value) == 'P${partOf(string(value), 'D')}${timeOf(string(value))}' && !contains(
    map(
      units,
      unit => isMadeOf('0${numberOf(string(value), unit)}', '0123456789', contains(string(value), unit) ? 2 : 1, 9)
    ),
    false
  ) && contains(map(units, unit => endsWith(string(value), unit)), true)

@export()
@description('Seconds within a limit, as the app reads them: 5, or 0.8.')
func isSeconds(value string, highest int) bool =>
  length(split(value, '.')) > 2 || contains(map(split(value, '.'), part => isMadeOf(part, '0123456789', 1, 9)), false)
    ? false
    : int(split(value, '.')[0]) + min(int(split('${value}.0', '.')[1]), 1) <= highest

@export()
@description('Seconds of such a duration.')
func secondsOf(duration string) int =>
  dateTimeToEpoch(dateTimeAdd('2026-01-01T00:00:00Z', duration)) - dateTimeToEpoch('2026-01-01T00:00:00Z')

@description('What an event subscription means in a topic that keeps events for so many days.')
func subscriptionOf(entry Written, retentionDays int) EventSubscription => {
  name: string(entry.?name ?? '')
  receiveLockDurationInSeconds: isWhole(entry.?receiveLockDurationInSeconds, 60, 300)
    ? int(entry.receiveLockDurationInSeconds)
    : 60
  maxDeliveryCount: isWhole(entry.?maxDeliveryCount, 1, 10) ? int(entry.maxDeliveryCount) : 10
  eventTimeToLive: isDuration(entry.?eventTimeToLive) ? entry.eventTimeToLive : 'P${retentionDays}D'
  filtersConfiguration: entry.?filtersConfiguration
}

@description('For how many days its topic keeps events.')
func retentionOf(file Written) int => isWhole(file.?eventRetentionInDays, 1, 7) ? int(file.eventRetentionInDays) : 7

@export()
@description('What a topology means.')
func meaningOf(file Written) Topology => {
  topic: string(file.?topic ?? '')
  eventRetentionInDays: retentionOf(file)
  deadLetterContainer: string(file.?deadLetterContainer ?? 'dead-letters')
  eventSubscriptions: map(file.?eventSubscriptions ?? [], entry => subscriptionOf(entry, retentionOf(file)))
}

@description('The names of its event subscriptions.')
func namesOf(file Written) string[] =>
  map(filter(file.eventSubscriptions, entry => isKind(entry, '{')), entry => string(entry.?name ?? ''))

@description('The keys of an object that nobody knows.')
func unknownKeys(value Written, known string[]) string[] =>
  map(filter(items(value), entry => !contains(known, entry.key)), entry => entry.key)

@description('What is wrong with the filters of an event subscription; what is in one is left to Event Grid.')
func filterProblems(value Written) string[] =>
  !isKind(value, '{')
    ? ['filtersConfiguration must be an object']
    : [
        ...map(unknownKeys(value, ['includedEventTypes', 'filters']), key => '${key} is unknown')
        value.?includedEventTypes == null || isKind(value.includedEventTypes, '[') && !contains(
            map(value.includedEventTypes, type => isKind(type, '"')),
            false
          )
          ? ''
          : 'includedEventTypes must be a list of texts'
        value.?filters == null || isKind(value.filters, '[') ? '' : 'filters must be a list'
      ]

@description('What is wrong with a whole number that may be left out.')
func wholeProblem(value Written, key string, lowest int, highest int) string =>
  value[?key] == null || isWhole(value[key], lowest, highest)
    ? ''
    : '${key} is ${value[key]}, and may be ${lowest} to ${highest}'

@description('What is wrong with the limits of an event subscription.')
func limitProblems(entry Written, meant EventSubscription, retentionDays int) string[] => [
  wholeProblem(entry, 'receiveLockDurationInSeconds', 60, 300)
  wholeProblem(entry, 'maxDeliveryCount', 1, 10)
  entry.?eventTimeToLive == null || isDuration(entry.eventTimeToLive)
    ? ''
    : 'eventTimeToLive is ${entry.eventTimeToLive}, and must be a duration as P1DT2H3M4S'
  secondsOf(meant.eventTimeToLive) >= max(60, meant.receiveLockDurationInSeconds)
    ? ''
    : 'eventTimeToLive is ${meant.eventTimeToLive}, and must be at least PT1M and the lock duration'
  secondsOf(meant.eventTimeToLive) <= retentionDays * 86400
    ? ''
    : 'eventTimeToLive is ${meant.eventTimeToLive}, longer than eventRetentionInDays (${retentionDays})'
]

@description('What is wrong with one event subscription.')
func subscriptionProblems(entry Written, retentionDays int) string[] =>
  !isKind(entry, '{')
    ? ['eventSubscriptions: each must be an object']
    : map(
        filter(
          [
            ...map(unknownKeys(entry, subscriptionKeys), key => '${key} is unknown')
            isName(entry.?name) ? '' : 'name must be 3 to 50 letters, digits and hyphens'
            ...limitProblems(entry, subscriptionOf(entry, retentionDays), retentionDays)
            ...(entry.?filtersConfiguration == null ? [] : filterProblems(entry.filtersConfiguration))
          ],
          problem => !empty(problem)
        ),
        problem => '${entry.?name ?? 'an event subscription'}: ${problem}'
      )

@export()
@description('What is wrong with a topology; nothing where it can be deployed.')
func problemsOf(file Written) string[] =>
  filter(
    [
      ...map(unknownKeys(file, keys), key => '${key} is unknown')
      isName(file.?topic) ? '' : 'topic must be 3 to 50 letters, digits and hyphens'
      wholeProblem(file, 'eventRetentionInDays', 1, 7)
      file.?deadLetterContainer == null || isContainer(file.deadLetterContainer)
        ? ''
        : 'deadLetterContainer must be 3 to 63 lower-case letters, digits and hyphens: without it, rejected events would be dropped'
      file.?eventSubscriptions == null || isKind(file.eventSubscriptions, '[')
        ? ''
        : 'eventSubscriptions must be a list'
      ...(isKind(file.?eventSubscriptions, '[')
        ? [
            ...flatten(map(file.eventSubscriptions, entry => subscriptionProblems(entry, retentionOf(file))))
            hasClash(namesOf(file))
              ? 'eventSubscriptions: two have the same name or timer function, or that of pull_now: ${join(namesOf(file), ', ')}'
              : ''
          ]
        : [])
    ],
    problem => !empty(problem)
  )

@export()
@description('The timer function that drains an event subscription: pull_flagged for sub-flagged.')
func functionOf(name string) string =>
  'pull_${replace(startsWith(toLower(name), 'sub-') && length(name) > 4 ? substring(toLower(name), 4) : toLower(name), '-', '_')}'

@export()
@description('A setting of that timer function: PULL_FLAGGED_SCHEDULE, …_LANES, …_MANNER, …_PACE.')
func settingOf(name string, what string) string => '${toUpper(functionOf(name))}_${what}'

@export()
@description('The first so many of its timer functions: pull_flagged, pull_flagged_2, …')
func timersOf(name string, lanes int) string[] =>
  map(range(1, lanes), number => number == 1 ? functionOf(name) : '${functionOf(name)}_${number}')

@description('Every timer function that there may be, all lanes included, and the one that pulls on request.')
func possibleFunctions(names string[]) string[] => ['pull_now', ...flatten(map(names, name => timersOf(name, 16)))]

@export()
@description('Whether two event subscriptions would have the same timer function.')
func hasClash(names string[]) bool => length(union(possibleFunctions(names), [])) < length(possibleFunctions(names))

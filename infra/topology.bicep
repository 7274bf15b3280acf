metadata description = 'moderation/topology.json, and what Event Grid would refuse in it.'

import { EventSubscription, Topology } from 'types.bicep'

// Event Grid's types state no ranges: a lock of 20 seconds compiles and fails only in Azure.
@export()
var topology = loadJsonContent('../moderation/topology.json')

@export()
@description('Seconds of an ISO 8601 duration of weeks, days, hours, minutes and seconds.')
func secondsOf(duration string) int =>
  dateTimeToEpoch(dateTimeAdd('2026-01-01T00:00:00Z', duration)) - dateTimeToEpoch('2026-01-01T00:00:00Z')

@export()
@description('Every character is one of those allowed.')
func hasOnly(text string, allowed string) bool =>
  empty(filter(range(0, length(text)), place => !contains(allowed, substring(text, place, 1))))

@export()
@description('3 to 50 letters, digits and hyphens, as namespaces, topics and event subscriptions are named.')
func isEventGridName(name string) bool =>
  length(name) >= 3 && length(name) <= 50 && hasOnly(toLower(name), 'abcdefghijklmnopqrstuvwxyz0123456789-')

@export()
@description('What is wrong with one event subscription; empty when nothing is.')
func subscriptionProblems(one EventSubscription, retentionDays int) string[] =>
  filter(
    [
      isEventGridName(one.name) ? '' : '${one.name}: name must be 3 to 50 letters, digits or hyphens'
      one.receiveLockDurationInSeconds >= 60 && one.receiveLockDurationInSeconds <= 300
        ? ''
        : '${one.name}: receiveLockDurationInSeconds is ${one.receiveLockDurationInSeconds}, and may be 60 to 300'
      one.maxDeliveryCount >= 1 && one.maxDeliveryCount <= 10
        ? ''
        : '${one.name}: maxDeliveryCount is ${one.maxDeliveryCount}, and may be 1 to 10'
      secondsOf(one.eventTimeToLive) >= max(60, one.receiveLockDurationInSeconds)
        ? ''
        : '${one.name}: eventTimeToLive is ${one.eventTimeToLive}, and must be at least PT1M and the lock duration'
      secondsOf(one.eventTimeToLive) <= retentionDays * 86400
        ? ''
        : '${one.name}: eventTimeToLive is ${one.eventTimeToLive}, longer than eventRetentionInDays (${retentionDays})'
    ],
    problem => !empty(problem)
  )

@export()
@description('What is wrong with a topology; empty when nothing is.')
func topologyProblems(declared Topology) string[] =>
  concat(
    filter(
      [
        isEventGridName(declared.topic) ? '' : 'topic must be 3 to 50 letters, digits or hyphens'
        declared.eventRetentionInDays >= 1 && declared.eventRetentionInDays <= 7
          ? ''
          : 'eventRetentionInDays is ${declared.eventRetentionInDays}, and may be 1 to 7'
        length(declared.deadLetterContainer) >= 3 && length(declared.deadLetterContainer) <= 63
          ? ''
          : 'deadLetterContainer must be 3 to 63 characters: without it, rejected events would be dropped'
        length(union(map(declared.eventSubscriptions, one => toLower(one.name)), [])) == length(declared.eventSubscriptions) ? '' : 'eventSubscriptions: two have the same name'
      ],
      problem => !empty(problem)
    ),
    flatten(map(declared.eventSubscriptions, one => subscriptionProblems(one, declared.eventRetentionInDays)))
  )

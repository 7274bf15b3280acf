using '../main.bicep'

// Forty thousand events a second: all throughput units, every lane, and timers that never start cold.
param environmentName = 'large'
param location = 'westeurope'
param throughputUnits = 40
param instanceMemoryMB = 4096
param maximumInstanceCount = 100
param lanes = { 'sub-flagged': 16, 'sub-approved': 16, 'sub-all-events': 16 }
param schedules = {
  'sub-flagged': '0 * * * * *'
  'sub-approved': '0 * * * * *'
  'sub-all-events': '0 * * * * *'
}
param manners = {
  'sub-flagged': 'stay'
  'sub-approved': 'stay'
  'sub-all-events': 'stay'
}
param paces = {
  'sub-flagged': '0.2'
  'sub-approved': '0.2'
  'sub-all-events': '0.2'
}
param alwaysReady = [
  { name: 'http', instanceCount: 2 }
  { name: 'function:pull_flagged', instanceCount: 1 }
  { name: 'function:pull_flagged_16', instanceCount: 1 }
]
param noDrainMinutes = 15

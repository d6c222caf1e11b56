import { expect, test } from 'vitest'
import {
  type OtlpVariables,
  otlpTargets,
  type TelemetrySettings,
} from '../../src/upload/otlp-targets.ts'

const none: OtlpVariables = {
  endpoint: undefined,
  tracesEndpoint: undefined,
  logsEndpoint: undefined,
  headers: undefined,
  tracesHeaders: undefined,
  logsHeaders: undefined,
}
const own: TelemetrySettings = { endpoint: 'https://telemetry.example/base', token: 'secret' }
const nobody: TelemetrySettings = { endpoint: undefined, token: undefined }

function urls(variables: Partial<OtlpVariables>, settings = own): unknown {
  const result = otlpTargets({ ...none, ...variables }, settings)
  return result.status === 'ok'
    ? [result.targets.traces.url, result.targets.logs.url]
    : result.reason
}

function tokens(variables: Partial<OtlpVariables>, settings = own): unknown {
  const result = otlpTargets({ ...none, ...variables }, settings)
  if (result.status !== 'ok') return result.reason
  return [result.targets.traces, result.targets.logs].map(({ headers }) => headers.authorization)
}

test.each<[string, Partial<OtlpVariables>, TelemetrySettings, unknown]>([
  [
    'TELEMETRY_ENDPOINT, where nothing else is set',
    {},
    own,
    ['https://telemetry.example/base/v1/traces', 'https://telemetry.example/base/v1/logs'],
  ],
  [
    'the general variable before it, with the signals’ paths',
    { endpoint: 'http://127.0.0.1:4318' },
    own,
    ['http://127.0.0.1:4318/v1/traces', 'http://127.0.0.1:4318/v1/logs'],
  ],
  [
    'a path and a query of the general variable stay',
    { endpoint: 'http://c.example/otlp/?key=1' },
    nobody,
    ['http://c.example/otlp/v1/traces?key=1', 'http://c.example/otlp/v1/logs?key=1'],
  ],
  [
    'a signal’s own variable before that, as it is',
    { endpoint: 'http://c.example', tracesEndpoint: 'http://t.example/in' },
    own,
    ['http://t.example/in', 'http://c.example/v1/logs'],
  ],
  [
    'one signal’s variable, the other from TELEMETRY_ENDPOINT',
    { logsEndpoint: 'http://l.example/x' },
    own,
    ['https://telemetry.example/base/v1/traces', 'http://l.example/x'],
  ],
  ['nothing without an address: no default', {}, nobody, 'no endpoint is set for traces'],
  [
    'nothing with an address for one signal alone',
    { tracesEndpoint: 'http://t.example/in' },
    nobody,
    'no endpoint is set for logs',
  ],
  [
    'nothing with an invalid address, which is not repeated',
    { endpoint: 'user:secret@c.example' },
    own,
    'OTEL_EXPORTER_OTLP_ENDPOINT is no http:// or https:// URL',
  ],
])('goes to %s', (_claim, variables, settings, expected) => {
  expect(urls(variables, settings)).toEqual(expected)
})

const bearer = 'Bearer secret'
test.each<[string, Partial<OtlpVariables>, TelemetrySettings, unknown]>([
  ['goes to TELEMETRY_ENDPOINT', {}, own, [bearer, bearer]],
  [
    'is sent to another path of its server',
    { tracesEndpoint: 'https://telemetry.example/other' },
    own,
    [bearer, bearer],
  ],
  [
    'is sent to no other server',
    { logsEndpoint: 'https://vendor.example/v1/logs' },
    own,
    [bearer, undefined],
  ],
  [
    'is sent to the only address that is given',
    { endpoint: 'http://c.example' },
    { ...own, endpoint: undefined },
    [bearer, bearer],
  ],
  [
    'is not used if the standard variables have an authorization',
    { headers: 'x-a=1, Authorization=Basic%20abc' },
    own,
    [undefined, undefined],
  ],
  [
    'is not used for the signal that has one',
    { logsHeaders: 'authorization=Basic%20abc', headers: 'x-authorization=1' },
    own,
    [bearer, undefined],
  ],
])('the token %s', (_claim, variables, settings, expected) => {
  expect(tokens(variables, settings)).toEqual(expected)
})

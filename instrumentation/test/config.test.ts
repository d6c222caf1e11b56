/** What the environment says, and what is made of what cannot be understood. */
import { expect, test } from 'vitest'
import { readConfig } from '../src/config.ts'

const receiver = { TELEMETRY_ENDPOINT: 'http://receiver.example', TELEMETRY_TOKEN: 'secret' }

test('the spool sends, unless told otherwise', () => {
  const config = readConfig({ ...receiver, OTEL_EXPORTER_OTLP_ENDPOINT: 'http://other.example' })
  expect(config).toMatchObject({
    endpoint: 'http://receiver.example',
    otlp: undefined,
    problems: [],
  })
})

test('exporters send in place of the spool, never beside it', () => {
  const config = readConfig({ ...receiver, TELEMETRY_EXPORTER: 'otlp' })
  expect(config.endpoint).toBeUndefined()
  expect(config.otlp?.traces).toEqual({
    url: 'http://receiver.example/v1/traces',
    headers: { authorization: 'Bearer secret' },
  })
})

test.each<[string, Record<string, string>, string]>([
  ['no address', {}, 'no endpoint is set for traces'],
  [
    'an address that is none',
    { ...receiver, OTEL_EXPORTER_OTLP_LOGS_ENDPOINT: 'collector:4318' },
    'OTEL_EXPORTER_OTLP_LOGS_ENDPOINT is no http:// or https:// URL',
  ],
])('with %s nothing is sent, by either, and it is said', (_name, environment, reason) => {
  const config = readConfig({ ...environment, TELEMETRY_EXPORTER: 'otlp' })
  expect([config.endpoint, config.otlp]).toEqual([undefined, undefined])
  expect(config.problems).toEqual([`TELEMETRY_EXPORTER=otlp: ${reason}. Nothing is sent.`])
})

test('an exporter that is not known is none: the spool is used, and it is said', () => {
  const config = readConfig({ ...receiver, TELEMETRY_EXPORTER: 'console' })
  expect(config).toMatchObject({ endpoint: 'http://receiver.example', otlp: undefined })
  expect(config.problems).toEqual([
    "TELEMETRY_EXPORTER: expected spool or otlp, got 'console'. spool is used.",
  ])
})

test.each<[string, string | undefined]>([
  ['TELEMETRY_ENDPONT', 'TELEMETRY_ENDPOINT'],
  ['TELEMETRY_RECIEVER', 'TELEMETRY_RECEIVER'],
  ['telemetry_token', 'TELEMETRY_TOKEN'],
  ['TELEMETRY_USER', 'TELEMETRY_USER_ID'],
  ['TELEMETRY_SPOOL_DIR', 'TELEMETRY_SPOOL_DIRECTORY'],
  ['TELEMETRY_ENDPOINT_URL', 'TELEMETRY_ENDPOINT'],
  ['TELEMETRY_DISABLED', undefined],
  ['TELEMETRY_ID', undefined],
  ['TELEMETRY_SAMPLING', undefined],
  ['NEXT_TELEMETRY_TOKEN', undefined],
])('%s was meant to be %s', (name, meant) => {
  const { problems } = readConfig({ [name]: 'x' })
  expect(problems).toEqual(meant === undefined ? [] : [`${name} is no setting, ${meant} is.`])
})

test.each([
  ['0', false],
  ['Off', false],
  ['no', false],
  ['1', true],
  ['TRUE', true],
  ['yes', true],
])('a flag may be written %s', (written, isEnabled) => {
  expect(readConfig({ TELEMETRY_ENABLED: written })).toMatchObject({ isEnabled, problems: [] })
})

import { expect, test } from 'vitest'
import { readConfig } from '../src/config.ts'

test('what has to be known of delivery has defaults, and the receiver’s token is the endpoint’s', () => {
  const config = readConfig({
    TELEMETRY_ENDPOINT: 'http://127.0.0.1:4318/',
    TELEMETRY_RECEIVER: ' http://127.0.0.1:4320/api/v1/events ',
    TELEMETRY_TOKEN: 'a-token',
  })
  expect(config).toMatchObject({
    endpoint: 'http://127.0.0.1:4318',
    receiver: 'http://127.0.0.1:4320',
    token: 'a-token',
    receiverToken: 'a-token',
    resendAfterSeconds: 120,
    keptDaysMax: 7,
    keptBytesMax: 512 * 1024 ** 2,
    problems: [],
  })
  expect(readConfig({}).receiver).toBeUndefined()
})

test('a token for the receiver is its own', () => {
  const { token, receiverToken } = readConfig({
    TELEMETRY_TOKEN: 'for-the-gateway',
    TELEMETRY_RECEIVER_TOKEN: 'for-the-receiver',
  })
  expect([token, receiverToken]).toEqual(['for-the-gateway', 'for-the-receiver'])
})

test.each([
  ['TELEMETRY_RESEND_AFTER_SECONDS', '0', 'resendAfterSeconds', 120],
  ['TELEMETRY_RESEND_AFTER_SECONDS', '1.5', 'resendAfterSeconds', 120],
  ['TELEMETRY_RESEND_AFTER_SECONDS', '1e9', 'resendAfterSeconds', 120],
  ['TELEMETRY_KEPT_DAYS_MAX', '-1', 'keptDaysMax', 7],
  ['TELEMETRY_KEPT_DAYS_MAX', 'a week', 'keptDaysMax', 7],
  ['TELEMETRY_KEPT_BYTES_MAX', '1 GB', 'keptBytesMax', 512 * 1024 ** 2],
  ['TELEMETRY_CONTENT_BYTES_MAX', '16777217', 'contentBytesMax', 16 * 1024 ** 2],
] as const)('%s=%s is not understood: the default is used, and said', (env, value, name, used) => {
  const config = readConfig({ [env]: value })
  expect(config[name]).toBe(used)
  expect(config.problems).toEqual([
    expect.stringMatching(new RegExp(`^${env}: expected a whole number from .* ${used} is used`)),
  ])
})

test('a receiver that is no address is not asked, and its password is not repeated', () => {
  const { receiver, problems } = readConfig({ TELEMETRY_RECEIVER: 'https://mara:secret@host' })
  expect(receiver).toBeUndefined()
  expect(problems).toEqual([expect.stringMatching(/^TELEMETRY_RECEIVER: .*Nobody is asked/)])
  expect(problems.join()).not.toContain('secret')
})

import { defineConfig } from 'vitest/config'

/** Tests of the published packages, installed with npm as by a user. They need minutes and a network, so `npm test` leaves them out. */
export default defineConfig({
  test: {
    include: ['packaging/test/**/*.test.ts'],
    globalSetup: ['packaging/test/support/global-setup.ts'],
    maxWorkers: 2,
    testTimeout: 300_000,
    hookTimeout: 600_000,
    expect: { poll: { timeout: 60_000, interval: 100 } },
  },
})

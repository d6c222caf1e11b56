import { defineConfig } from 'vitest/config'

/** What is published, installed from the registry as anybody would: minutes and a network, so apart from `npm test`. */
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

import { defineConfig } from 'vitest/config'

/** A real Collector, which takes Go and minutes to build at the first time: apart from `npm test`. */
export default defineConfig({
  test: {
    include: ['collector/test/**/*.test.ts'],
    globalSetup: ['test/support/global-setup.ts', 'collector/test/support/global-setup.ts'],
    maxWorkers: 2,
    testTimeout: 180_000,
    hookTimeout: 180_000,
    expect: { poll: { timeout: 90_000, interval: 100 } },
  },
})

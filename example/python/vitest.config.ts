import { defineConfig } from 'vitest/config'

/** Installs packages of Python's, from their index: apart from `npm test`. */
export default defineConfig({
  test: {
    include: ['example/python/test/**/*.test.ts'],
    globalSetup: ['test/support/global-setup.ts', 'example/python/test/support/global-setup.ts'],
    testTimeout: 120_000,
    hookTimeout: 600_000,
    expect: { poll: { timeout: 30_000, interval: 100 } },
  },
})

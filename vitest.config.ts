import { defineConfig } from 'vitest/config'

/** Matrices, random inputs and whole systems, which take long; `npm run test:proofs` runs them. */
export const proofs = [
  'dashboards/test/queries.test.ts',
  'instrumentation/test/agents/*.test.ts',
  'instrumentation/test/files/model/model.test.ts',
  'instrumentation/test/observe/commands-in-succession.test.ts',
  'instrumentation/test/observe/differential.test.ts',
  'instrumentation/test/observe/inherited-owner.test.ts',
  'instrumentation/test/observe/queued-turns.test.ts',
  'instrumentation/test/packages/*.test.ts',
  'instrumentation/test/ways/*.test.ts',
  'instrumentation/test/worker/recovery.test.ts',
  'receiver/test/jaeger/fuzz.test.ts',
  'receiver/test/routes/events-random.test.ts',
  'receiver/test/storage/land/content-parts.test.ts',
  'test/approval.test.ts',
  'test/collector-loss.test.ts',
  'test/image.test.ts',
  'test/large-content.test.ts',
  'test/model-apis.test.ts',
  'test/otlp-exporter.test.ts',
]

export default defineConfig({
  test: {
    include: ['**/test/**/*.test.ts'],
    exclude: [
      '**/node_modules/**',
      '**/dist/**',
      'packaging/**',
      'collector/**',
      'example/python/**',
      ...proofs,
    ],
    // One PostgreSQL for the whole run; each file that needs a database clones the template.
    globalSetup: ['test/support/global-setup.ts'],
    // One more than two cores: files wait for processes and disks nearly as long as they compute.
    maxWorkers: 3,
    // Limits for a machine that is busy with other things; nothing here measures time.
    testTimeout: 90_000,
    hookTimeout: 90_000,
    expect: { poll: { timeout: 20_000, interval: 50 } },
    typecheck: { enabled: false },
  },
})

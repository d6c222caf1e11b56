/** The fast ring, `npm run test:quick`: pure files and single parts, without a browser, an app or a receiver process. */
import { defineConfig, mergeConfig } from 'vitest/config'
import all from './vitest.config.ts'

const { include: _, exclude = [], ...test } = all.test ?? {}

export default mergeConfig(
  { ...all, test },
  defineConfig({
    test: {
      // Large inputs that take seconds each.
      exclude: [...exclude, '**/{limits,unified-diff,redact}.test.ts'],
      include: [
        'conventions/test/**/*.test.ts',
        'instrumentation/test/{journal,models,otlp,record,redact,seal,spool,upload}/*.test.ts',
        'instrumentation/test/changes/{guards,plan-revert,prune,store}.test.ts',
        'instrumentation/test/*.test.ts',
        'receiver/test/{events,otlp}/**/*.test.ts',
        'receiver/test/routes/{completeness,otlp,references}.test.ts',
        'receiver/test/storage/{columns,land/land}.test.ts',
        'web/test/changes/pure.test.ts',
        'test/{docs,docs-names,imports}.test.ts',
      ],
    },
  }),
)

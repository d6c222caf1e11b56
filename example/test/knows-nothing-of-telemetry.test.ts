/**
 * The point of the example: an app is recorded although its source does not mention telemetry. It only registers the
 * Changes routes and shows their element.
 */

import { globSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const source = fileURLToPath(new URL('../src', import.meta.url))

const telemetry = /turnlog|telemetry|otel|otlp|\btrac(?:e|er|ing)\b|\bspans?\b|changesRoutes/i

test('no line of the source mentions telemetry, except those that add the Changes panel', () => {
  const files = globSync('**/*.*', { cwd: source }).sort()
  expect(files.length).toBeGreaterThan(20)
  const lines = files.flatMap((file) =>
    readFileSync(`${source}/${file}`, 'utf8')
      .split('\n')
      .filter((line) => telemetry.test(line))
      .map((line) => `${file}: ${line.trim()}`),
  )
  expect(lines).toEqual([
    "app.ts: import { changesRoutes } from '@turnlog/instrumentation/changes'",
    'app.ts: await app.register(changesRoutes)',
    'page/index.html: <script type="module" src="/changes/turnlog-changes.js"></script>',
    'page/index.html: <turnlog-changes poll="1"></turnlog-changes>',
    "routes/page.ts: const elementFile = createRequire(import.meta.url).resolve('@turnlog/web/changes.js')",
  ])
})

test('the agent’s system prompt says how its changes are reviewed and reverted', () => {
  const page = readFileSync(new URL('../AGENT.md', import.meta.url), 'utf8')
  expect(page).toMatch(/\*\*file operation\*\* with an id/)
  for (const word of ['Accept', 'Reject', 'Revert', '/api/changes/recent', 'opId']) {
    expect(page).toContain(word)
  }
})

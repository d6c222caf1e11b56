/** What the app prints of an uncaught error is to the byte what it prints without the preload, its stack included. */
import { expect, test } from 'vitest'
import { type ProgramOptions, runProgram } from '../support/observed-program.ts'
import { makeWorkspace } from '../support/workspace.ts'

async function printedBy(program: string, options: Pick<ProgramOptions, 'env'> = {}) {
  using workspace = makeWorkspace()
  const run = async (spool?: string) => {
    const { stderr, code } = await runProgram(program, { cwd: workspace.folder, spool, ...options })
    return { stderr: stderr.replaceAll(/127\.0\.0\.1:\d+/g, '<address>'), code }
  }
  const plain = await run()
  expect(plain.stderr).toMatch(/^ {4}at /m)
  return { plain, observed: await run(workspace.spool) }
}

const ways = [
  'startActiveSpan',
  'startActiveSpan of an early tracer',
  'nested spans',
  'with',
  'with and this',
  'bind',
  'a bound emitter',
  'an async function',
  'after an await',
]

test.for(ways.flatMap((way) => ['import', 'require'].map((build) => [way, build] as const)))(
  'an exception in %s of the API of OpenTelemetry, by %s',
  async ([way, build]) => {
    const { plain, observed } = await printedBy('throws-in-span.ts', {
      env: { WAY: way, BUILD: build },
    })
    expect(observed).toEqual(plain)
  },
)

test.for(['startActiveSpan', 'nested spans', 'with'])(
  'a stack that is deeper than Node prints has as many lines of the app (%s)',
  async (way) => {
    const { plain, observed } = await printedBy('throws-in-span.ts', {
      env: { WAY: way, DEEP: '20' },
    })
    expect(observed).toEqual(plain)
  },
)

test.for(['throws-in-handler.ts', 'throws-in-request.ts', 'throws.ts', 'rejects.ts'])(
  '%s',
  async (program) => {
    const { plain, observed } = await printedBy(`differential/${program}`)
    expect(observed).toEqual(plain)
  },
)

test('of another stack that is deeper than Node prints, the last lines are missing', async () => {
  const { plain, observed } = await printedBy('differential/throws.cjs')
  const linesOf = ({ stderr }: { readonly stderr: string }): string[] =>
    stderr.split('\n').filter((line) => line.startsWith('    at '))
  const lines = linesOf(observed).map((line) => line.replace(/ \{$/, ''))
  expect(linesOf(plain).slice(0, lines.length)).toEqual(lines)
  expect(lines.length).toBeLessThan(linesOf(plain).length)
})

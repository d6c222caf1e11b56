/**
 * Commands that follow each other without a gap, or run at once. The look at the workspace after one may come when the next has
 * changed the same file; then the two cannot be told apart, and the change is shared. None is lost, and none is
 * another call's.
 */
import { expect, test } from 'vitest'
import { startChat } from '../support/chat.ts'
import { lastText } from '../support/messages-api.ts'
import type { Recorded, RecordedSpan } from '../support/recorded.ts'
import { copied, processesEnded } from '../support/workspace-copies.ts'

const rounds = 30
const numbers = Array.from({ length: rounds }, (_, index) => index + 1)
const op = (name: string) => `turnlog.file_operation.${name}`

/** Each call writes a file of its own, and adds its number to one that all of them change. */
const commandOf = (number: number): string =>
  `echo ${number} > own-${number}.txt; echo ${number} >> all.txt`

async function turnOf(ways: readonly string[], env: Readonly<Record<string, string>> = {}) {
  await using chat = await startChat({
    program: 'shell-host.ts',
    files: { 'all.txt': '0\n' },
    env,
    answer: (request) =>
      lastText(request) === ''
        ? { text: 'Done.' }
        : {
            tools: numbers.map((number) => ({
              id: String(number),
              name: ways[number % ways.length] ?? '',
              input: { command: commandOf(number) },
            })),
          },
  })
  const { spool } = chat.workspace
  await copied(spool, ['0\n'])
  await chat.post('go')
  await processesEnded(spool, rounds)
  return chat.recorded()
}

/** The number of the tool call that a file operation belongs to; `shared` if it belongs to the turn. */
function callOf(
  { spans }: Recorded,
  { attributes, parentSpanId }: RecordedSpan,
): number | 'shared' | undefined {
  if (attributes[op('shared')] === true) return 'shared'
  const id = spans.find(({ spanId }) => spanId === parentSpanId)?.attributes['gen_ai.tool.call.id']
  return id === undefined ? undefined : Number(id)
}

const operationsOn = ({ spans }: Recorded, file: string): RecordedSpan[] =>
  spans.filter(
    ({ name, attributes }) => name.startsWith('file.') && attributes['file.path'] === file,
  )

/** The numbers in a state of `all.txt`; `undefined` if the state is not known. */
function linesOf(state: unknown): number[] | undefined {
  return typeof state === 'string' ? state.trim().split('\n').map(Number) : undefined
}

/** What an operation says about `all.txt`. */
function changesOfAll(recorded: Recorded) {
  return operationsOn(recorded, 'all.txt').map((span) => ({
    call: callOf(recorded, span),
    before: linesOf(span.attributes[op('before')]),
    after: linesOf(span.attributes[op('after')]),
  }))
}

test.for([
  ['exec_file', ['exec_file']],
  ['exec_sync', ['exec_sync']],
  ['spawn and exec', ['spawn', 'exec']],
  ['exec_sync and exec_file', ['exec_sync', 'exec_file']],
] as const)(
  '%s, thirty times without a gap: each change is its call’s, or shared',
  async ([, ways]) => {
    const recorded = await turnOf(ways)
    for (const number of numbers) {
      const operations = operationsOn(recorded, `own-${number}.txt`)
      expect(
        operations.map((span) => [span.name, callOf(recorded, span), span.attributes[op('after')]]),
      ).toEqual([['file.create', number, `${number}\n`]])
    }
    const changes = changesOfAll(recorded)
    expect(changes.at(-1)?.after).toEqual([0, ...numbers])
    let last = [0]
    for (const { call, before, after } of changes) {
      // Every known state is one that the file had, and follows the one before.
      if (before !== undefined) expect(before).toEqual(last)
      if (after === undefined) continue
      expect(after).toEqual([0, ...numbers].slice(0, after.length))
      const added = after.slice(last.length)
      if (before !== undefined && added.length > 1) expect(call).toBe('shared')
      if (call !== 'shared') expect(added).toContain(call)
      last = after
    }
  },
)

test('thirty commands at once: each change is its call’s, or shared', async () => {
  const recorded = await turnOf(['exec', 'exec_file'], { PARALLEL: '1' })
  for (const number of numbers) {
    const operations = operationsOn(recorded, `own-${number}.txt`)
    expect(operations.map(({ name }) => name)).toEqual(['file.create'])
    expect([number, 'shared']).toContain(callOf(recorded, operations[0] as RecordedSpan))
  }
  const states = changesOfAll(recorded).map(({ after }) => after)
  expect(states.at(-1)?.toSorted((a, b) => a - b)).toEqual([0, ...numbers])
})

test('thirty commands without a gap, if the app waits for the looks: each change is its call’s, with the state in between', async () => {
  const recorded = await turnOf(['exec_sync', 'exec_file'], {
    TELEMETRY_PROCESS_WAIT_MS_MAX: '10000',
  })
  expect(changesOfAll(recorded)).toEqual(
    numbers.map((number) => ({
      call: number,
      before: [0, ...numbers].slice(0, number),
      after: [0, ...numbers].slice(0, number + 1),
    })),
  )
})

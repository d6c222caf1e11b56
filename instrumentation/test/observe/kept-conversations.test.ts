/** The model's server keeps the conversation: a request names it, or the answer before, and repeats nothing of it. */
import { expect, test } from 'vitest'
import { isTurn, textOf, turnTrees } from '../support/chat.ts'
import { runProgram, startProgram } from '../support/observed-program.ts'
import { type Recorded, readRecorded } from '../support/recorded.ts'
import {
  functionCall,
  message,
  type ResponsesAnswer,
  type ResponsesRequest,
  startResponsesApi,
} from '../support/responses-api.ts'
import { makeWorkspace } from '../support/workspace.ts'

let calls = 0

/** Asks for a file, then answers. */
function writesAFile({ input = [] }: ResponsesRequest): ResponsesAnswer {
  if (input.at(-1)?.type === 'function_call_output') return { output: [message('Done.')] }
  calls += 1
  return {
    output: [functionCall(`call_${calls}`, 'write_file', { path: `file-${calls}.txt` })],
  }
}

async function run(users: readonly (readonly string[])[], env: Record<string, string>) {
  await using api = await startResponsesApi(writesAFile)
  using workspace = makeWorkspace()
  const { folder, spool } = workspace
  const options = { cwd: folder, spool, env: { API: api.url, ...env } }
  if (env.WAY !== 'server') {
    const settings = { ...options.env, PROMPTS: JSON.stringify(users) }
    const { stderr } = await runProgram('kept-host.ts', { ...options, env: settings })
    expect(stderr).toBe('')
    return readRecorded(spool)
  }
  await using host = startProgram('kept-host.ts', options)
  const url = `http://127.0.0.1:${await host.line('port')}/`
  await Promise.all(
    users.map(async (texts, user) => {
      for (const text of texts) {
        const body = JSON.stringify({ user: String(user), message: text })
        await (await fetch(url, { method: 'POST', body })).text()
      }
    }),
  )
  await host.stop()
  return readRecorded(spool)
}

/** Of each turn, by its start: its prompt, and that of the turn it is linked to. */
function linksIn({ spans }: Recorded): (readonly [string | undefined, string | undefined])[] {
  const turns = spans.filter(isTurn).toSorted((a, b) => a.startMs - b.startMs)
  const promptOf = (turn: (typeof turns)[number] | undefined) =>
    textOf(turn, 'gen_ai.input.messages')
  return turns.map((turn) => [
    promptOf(turn),
    promptOf(turns.find(({ traceId }) => traceId === turn.links[0]?.traceId)),
  ])
}

const shape = (recorded: Recorded): string[] =>
  turnTrees(recorded).map((tree) => tree.replace(/file-\d+/, 'file'))

const tree = 'turn\n  chat\n  execute_tool write_file\n    file.create file.txt\n  chat'

const ways = [
  ['terminal', 'answer'],
  ['terminal', 'conversation'],
  ['server', 'answer'],
  ['server', 'conversation'],
] as const

test.for(ways)(
  'results of tools and the next text are in their conversation (%s, by %s)',
  async ([WAY, KEPT]) => {
    const recorded = await run([['Write one', 'Write another', 'yes', 'yes']], { WAY, KEPT })
    expect(shape(recorded)).toEqual([tree, tree, tree, tree])
    expect(linksIn(recorded)).toEqual([
      ['Write one', undefined],
      ['Write another', 'Write one'],
      ['yes', 'Write another'],
      ['yes', 'yes'],
    ])
    expect(recorded.spans).toHaveLength(20)
  },
)

test('a streamed answer is gone on from, too', async () => {
  const recorded = await run([['Write one', 'Write another']], { STREAM: '1' })
  expect(shape(recorded)).toEqual([tree, tree])
  expect(linksIn(recorded)).toEqual([
    ['Write one', undefined],
    ['Write another', 'Write one'],
  ])
})

test.for(ways)(
  'conversations of several users at once do not mix (%s, by %s)',
  async ([WAY, KEPT]) => {
    const users = Array.from({ length: 4 }, (_, user) => [`Write for ${user}`, 'yes'])
    const recorded = await run(users, { WAY, KEPT })
    expect(shape(recorded)).toEqual(Array.from({ length: 8 }, () => tree))
    const links = linksIn(recorded)
    expect(
      links
        .filter(([prompt]) => prompt === 'yes')
        .map(([, before]) => before)
        .toSorted((a, b) => String(a).localeCompare(String(b))),
    ).toEqual(users.map(([first]) => first))
  },
)

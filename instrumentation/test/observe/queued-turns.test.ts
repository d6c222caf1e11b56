/**
 * Apps that queue their work. Some queues run a job in the async context of another user's request: no turn may get what belongs
 * to another one.
 */
import { expect, test } from 'vitest'
import { isTurn, startChat, textOf } from '../support/chat.ts'
import { type ApiRequest, lastText } from '../support/messages-api.ts'
import type { Recorded, RecordedSpan } from '../support/recorded.ts'
import { processesEnded } from '../support/workspace-copies.ts'

const users = Array.from({ length: 12 }, (_, index) => `user ${index}`)

function firstText({ messages }: ApiRequest): string {
  const [first] = messages
  return typeof first?.content === 'string' ? first.content : ''
}

const fileOf = (user: string): string => `${user.replace(' ', '-')}.txt`

interface Chats {
  readonly queue: string
  readonly atOnce: number
  readonly client?: string | undefined
  readonly prompts?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** Writes with a command instead of `node:fs`. */
  readonly hasShell?: boolean
}

async function recordedOf({
  queue,
  atOnce,
  client = 'fetch',
  prompts = users,
  env = {},
  hasShell = false,
}: Chats) {
  await using chat = await startChat({
    program: 'queue-host.ts',
    client,
    env: { QUEUE: queue, AT_ONCE: String(atOnce), ...env },
    answer(request) {
      const user = firstText(request)
      if (lastText(request) === '') return { text: `Done for ${user}.` }
      const command = `printf %s '${user}' > ${fileOf(user)}`
      const input = hasShell ? { command } : { path: fileOf(user), content: user }
      return { tools: [{ id: `call of ${user}`, name: 'write_file', input }] }
    },
  })
  const answers = await Promise.all(prompts.map((message) => chat.post(message)))
  expect(answers.map(({ text }) => text)).toEqual(prompts.map((user) => `Done for ${user}.`))
  if (hasShell) await processesEnded(chat.workspace.spool, prompts.length)
  return chat.recorded()
}

const isCall = ({ name }: RecordedSpan): boolean => /^(?:chat|anthropic)/.test(name)

/** What is recorded in the turn's trace, each with the user that it is about. */
function contentsOf({ spans }: Recorded, turn: RecordedSpan): string[] {
  return spans
    .filter(({ traceId, spanId }) => traceId === turn.traceId && spanId !== turn.spanId)
    .map((span) => {
      const { name, attributes } = span
      const about =
        attributes['gen_ai.tool.call.id'] ??
        attributes['file.path'] ??
        JSON.parse(String(attributes['gen_ai.input.messages']))[0].parts[0].content
      return `${isCall(span) ? 'chat' : name.split(' ')[0]} ${about}`
    })
    .toSorted()
}

test.for<[string, number, string?]>([
  ['none', 12],
  ['async', 1],
  ['async', 1, 'sdk'],
  ['async', 4],
  ['fastq', 1],
  ['fastq', 4, 'sdk'],
  ['bottleneck', 1],
  ['bottleneck', 4],
  ['rxjs', 1],
  ['rxjs', 4],
  ['bluebird', 1],
])(
  'each turn has its own calls and files behind %s, %d at once',
  async ([queue, atOnce, client]) => {
    expectOwn(await recordedOf({ queue, atOnce, client }))
  },
)

test('a call with a large context is that of its user, too', async () => {
  expectOwn(await recordedOf({ queue: 'async', atOnce: 1, env: { CONTEXT: '300000' } }))
})

test('a command, and the file that it changes, are those of its user', async () => {
  const env = { TELEMETRY_PROCESS_WAIT_MS_MAX: '10000' }
  expectOwn(await recordedOf({ queue: 'async', atOnce: 1, env, hasShell: true }))
})

/** Each user has a turn, with two calls to the model, one of a tool, and a file. */
function expectOwn(recorded: Recorded): void {
  const turns = recorded.spans.filter(isTurn)
  const byPrompt = new Map(turns.map((turn) => [textOf(turn, 'gen_ai.input.messages'), turn]))
  expect(new Set(byPrompt.keys())).toEqual(new Set(users))
  for (const [user = '', turn] of byPrompt) {
    expect(textOf(turn, 'gen_ai.output.messages')).toBe(`Done for ${user}.`)
    expect(contentsOf(recorded, turn)).toEqual(
      [
        `chat ${user}`,
        `chat ${user}`,
        `execute_tool call of ${user}`,
        `file.create ${fileOf(user)}`,
      ].toSorted(),
    )
  }
}

test.for([1, 3])(
  'of equal prompts no turn gets another one’s calls, %d at once',
  async (atOnce) => {
    const prompts = Array.from({ length: 6 }, () => 'hi')
    const { spans, logs } = await recordedOf({ queue: 'async', atOnce, prompts })
    const calls = spans.filter(isCall)
    expect(calls).toHaveLength(12)
    const turns = spans.filter(isTurn)
    for (const turn of turns) {
      const own = calls.filter(({ traceId }) => traceId === turn.traceId)
      expect(own.length).toBeLessThanOrEqual(2)
    }
    const traces = new Set(turns.map(({ traceId }) => traceId))
    for (const { traceId, attributes } of calls) {
      expect(traces.has(traceId)).toBe(attributes['turnlog.turn.ambiguous'] !== true)
    }
    // Those are counted as work that no turn shows: the first at once, and the app is killed before it counts all.
    const unseen = logs.map(({ attributes }) =>
      attributes['turnlog.unseen.reason'] === 'ambiguous_model_call'
        ? Number(attributes['turnlog.unseen.count'])
        : 0,
    )
    const ambiguous = calls.filter(
      ({ attributes }) => attributes['turnlog.turn.ambiguous'] === true,
    )
    const counted = unseen.reduce((a, b) => a + b, 0)
    expect(counted).toBeLessThanOrEqual(ambiguous.length)
    expect(counted > 0).toBe(ambiguous.length > 0)
  },
)

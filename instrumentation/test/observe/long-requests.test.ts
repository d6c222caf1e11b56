/** Requests with images are long: they are model calls like others, also where only the body shows it, and so are their retries. */
import { expect, test } from 'vitest'
import { isTurn, textOf, turnTrees } from '../support/chat.ts'
import { type ApiAnswer, type ApiRequest, startMessagesApi } from '../support/messages-api.ts'
import { runProgram } from '../support/observed-program.ts'
import { readRecorded } from '../support/recorded.ts'
import { makeWorkspace } from '../support/workspace.ts'

const mebibyte = 1024 ** 2
const attempt = 'turnlog.model_call.attempt'

interface Run {
  readonly bytes?: number
  readonly client?: string
  readonly path?: string
  readonly prompt?: string
  readonly failures?: readonly ApiAnswer[]
}

async function run({ bytes = 0, client = 'fetch', path = '/v1/messages', ...run }: Run) {
  const failures = [...(run.failures ?? [])]
  const answer = ({ messages }: ApiRequest): ApiAnswer => {
    const failure = failures.shift()
    if (failure !== undefined) return failure
    return messages.length > 1
      ? { text: 'Done.' }
      : { tools: [{ id: 'a', name: 'write', input: {} }] }
  }
  await using api = await startMessagesApi(answer)
  using workspace = makeWorkspace()
  const { folder, spool } = workspace
  const { prompt = 'What is it?' } = run
  const env = { API: api.url + path, CLIENT: client, BYTES: String(bytes), PROMPT: prompt }
  const { stderr, code } = await runProgram('long-requests.ts', { cwd: folder, spool, env })
  expect({ stderr, code }).toEqual({ stderr: '', code: 0 })
  const recorded = readRecorded(spool)
  return {
    trees: turnTrees(recorded),
    prompts: recorded.spans.filter(isTurn).map((turn) => textOf(turn, 'gen_ai.input.messages')),
    calls: recorded.spans.filter(({ kind }) => kind === 3),
  }
}

const tree = 'turn\n  chat\n  execute_tool write\n    file.create seen.txt\n  chat'

test.for([
  ['/v1/messages', 0, 'http'],
  ['/v1/messages', 12, 'fetch'],
  ['/models/messages', 3, 'fetch'],
  ['/models/messages', 3, 'http'],
  ['/models/messages', 20, 'fetch'],
] as const)('%s with an image of %i MiB (%s)', async ([path, size, client]) => {
  // Not all of its characters are one byte.
  const prompt = 'Was zeigt es – „Grüße“?'
  const { trees, prompts } = await run({ path, bytes: size * mebibyte, client, prompt })
  expect({ trees, prompts }).toEqual({ trees: [tree], prompts: [prompt] })
})

test.for([
  [0, '/v1/messages', { status: 529 }],
  [1, '/v1/messages', { status: 529 }],
  [3, '/models/messages', { status: 500 }],
  [0, '/v1/messages', { text: 'Half', breaks: true }],
  [1, '/v1/messages', { text: 'Half', breaks: true }],
] as const)(
  'a request of %i MiB to %s is sent again after %j: one call',
  async ([size, path, failure]) => {
    const { trees, calls } = await run({ bytes: size * mebibyte, path, failures: [failure] })
    expect(trees).toEqual([tree])
    expect(calls.map(({ attributes }) => attributes[attempt])).toEqual([2, undefined])
    expect(calls.map(({ status }) => status)).toEqual([0, 0])
  },
)

/** The agent on each of the model APIs, with the real SDK: the same turns, errors and retries on all of them. */

import { readFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { modelApis } from '../src/agent/models/model.ts'
import type { ModelRequest } from '../src/scripted-model/request.ts'
import type { ScriptedAnswer } from '../src/scripted-model/script.ts'
import { createScriptedModel } from '../src/scripted-model/server.ts'
import { listen, startApp, startModel } from './support/app.ts'

const use = (name: string, input: Readonly<Record<string, unknown>>) => ({ name, input })

const answers: readonly ScriptedAnswer[] = [
  {
    text: 'I will do three things: “ä😀”.',
    toolUses: [
      use('write_file', { path: 'a.txt', content: 'one "quoted" 😀' }),
      use('read_file', { path: 'none.txt' }),
      use('read_file', { path: 'a.txt' }),
    ],
  },
  { text: 'Two of them went well.', toolUses: [] },
]

/** The scripted model's server, in front of which `handle` may answer first; it returns whether it has. */
function serverBehind(handle: (request: IncomingMessage, response: ServerResponse) => boolean) {
  const model = createScriptedModel({ pieceDelayMs: 0 })
  return createServer((request, response) => {
    if (!handle(request, response)) model.emit('request', request, response)
  })
}

describe.each(modelApis)('%s', (api) => {
  const marksErrors = api === 'anthropic' || api === 'gemini'

  test.each([false, true])(
    'the results of several tools go back in order, and the next turn has both (stream %s)',
    async (stream) => {
      const requests: ModelRequest[] = []
      const modelUrl = await startModel({
        answerTo(request) {
          requests.push(request)
          return answers[(requests.length - 1) % answers.length] ?? { text: '', toolUses: [] }
        },
      })
      const app = await startApp({ api, modelUrl })
      const response = await app.post({ message: 'go', stream, conversation_id: 'c' })
      const said = stream ? await response.text() : (await response.json()).answer
      const before = stream ? 'I will do three things: “ä😀”.\n\n' : ''
      expect(said).toBe(`${before}Two of them went well.`)
      expect(readFileSync(join(app.workspace, 'a.txt'), 'utf8')).toBe('one "quoted" 😀')

      await app.post({ message: 'again', stream, conversation_id: 'c' })
      const [first, second, next] = requests
      expect([first?.stream, second?.stream]).toEqual([stream, stream])
      expect(first?.model).toBe('a-model')
      expect(first?.toolNames).toHaveLength(7)
      expect(first?.messages).toEqual([{ role: 'user', content: [{ type: 'text', text: 'go' }] }])
      const [, asking, answering] = second?.messages ?? []
      const ids = asking?.content.flatMap((block) => (block.type === 'tool_use' ? block.id : []))
      expect(new Set(ids).size).toBe(3)
      expect(asking?.content).toEqual([
        { type: 'text', text: answers[0]?.text },
        ...(answers[0]?.toolUses ?? []).map((each, at) => ({
          type: 'tool_use',
          id: ids?.[at],
          ...each,
        })),
      ])
      const results = [
        'Wrote a.txt (17 bytes).',
        'Error: none.txt does not exist (ENOENT).',
        'one "quoted" 😀',
      ]
      expect(answering).toEqual({
        role: 'user',
        content: results.map((text, at) => ({
          type: 'tool_result',
          toolUseId: ids?.[at],
          text,
          isError: at === 1 && marksErrors,
        })),
      })
      expect(next?.messages).toEqual([
        ...(second?.messages ?? []),
        { role: 'assistant', content: [{ type: 'text', text: 'Two of them went well.' }] },
        { role: 'user', content: [{ type: 'text', text: 'again' }] },
      ])
    },
  )

  test('the script sees whether a tool has failed', async () => {
    const app = await startApp({ api })
    const answerTo = async (message: string) => (await (await app.post({ message })).json()).answer
    expect(await answerTo('read none.txt')).toBe(
      'That did not work. none.txt does not exist (ENOENT).',
    )
    expect(await answerTo('add "Milk" to list.txt')).toContain('which is a new file')
    expect(await answerTo('read list.txt')).toBe('This is list.txt:\n\nMilk')
  })

  test('a refusal and a model that cannot be reached are told apart', async () => {
    const refusing = await listen(
      createServer((_request, response) => {
        response.writeHead(529, { 'content-type': 'application/json' })
        response.end('{"error":{"type":"overloaded_error","code":529,"message":"Overloaded"}}')
      }),
    )
    for (const [modelUrl, reason] of [
      [refusing, /^The model refused: .*Overloaded/s],
      ['http://127.0.0.1:1', 'The model could not be reached.'],
    ] as const) {
      const app = await startApp({ api, modelUrl })
      for (const stream of [false, true]) {
        const response = await app.post({ message: 'x', stream })
        expect(response.status).toBe(502)
        expect((await response.json()).error.message).toMatch(reason)
      }
    }
  })

  test.each([false, true])('a failure that may pass is tried again (stream %s)', async (stream) => {
    let requestCount = 0
    const modelUrl = await listen(
      serverBehind((request, response) => {
        requestCount += 1
        if (requestCount > 1) return false
        request.resume()
        response.writeHead(503, { 'content-type': 'application/json', 'retry-after-ms': '1' })
        response.end('{"error":{"code":503,"message":"Overloaded"}}')
        return true
      }),
    )
    const app = await startApp({ api, modelUrl, retriesMax: 1 })
    const response = await app.post({ message: 'count to 3', stream })
    expect(await response.text()).toContain('1 2 3')
    expect(requestCount).toBe(2)
  })

  test.each(['cut', 'end'] as const)(
    'a stream that stops in the middle (%s) fails',
    async (way) => {
      const modelUrl = await listen(
        serverBehind((_request, response) => {
          const write = response.write.bind(response)
          let eventCount = 0
          response.write = (chunk: string) => {
            eventCount += 1
            if (eventCount < 10) return write(chunk)
            if (way === 'cut') setImmediate(() => response.destroy())
            else response.end()
            return true
          }
          return false
        }),
      )
      const app = await startApp({ api, modelUrl })
      const response = await app.post({ message: 'count to 500', stream: true })
      expect(response.status).toBe(200)
      await expect(response.text()).rejects.toThrow()
    },
  )
})

/**
 * A model refuses to go on, or forgets its reasoning, if that does not come back exactly as it was sent. The script has no
 * reasoning, so these answers are written here.
 */
describe('reasoning goes back unchanged with the results', () => {
  const input = { path: '.' }
  const thinking = { type: 'thinking', thinking: 'Look.', signature: 'sig-1' }
  const toolUse = { type: 'tool_use', id: 'toolu_1', name: 'list_files', input }
  const reasoning = { type: 'reasoning', id: 'rs_1', summary: [], encrypted_content: 'enc-1' }
  const functionCall = {
    type: 'function_call',
    id: 'fc_1',
    call_id: 'call_1',
    name: 'list_files',
    arguments: JSON.stringify(input),
    status: 'completed',
  }
  const thought = { text: 'Look.', thought: true }
  const signed = { functionCall: { name: 'list_files', args: input }, thoughtSignature: 'sig-1' }
  const responseOf = (output: readonly unknown[]) => ({
    object: 'response',
    status: 'completed',
    error: null,
    output,
  })
  const candidateOf = (parts: readonly unknown[], finishReason?: string) => ({
    candidates: [{ content: { role: 'model', parts }, finishReason }],
  })
  const json = (body: unknown) => JSON.stringify(body)
  const events = (...bodies: readonly object[]) =>
    bodies.map((body) => `data: ${JSON.stringify(body)}\n\n`).join('')

  test.each([
    {
      api: 'anthropic',
      stream: false,
      asking: json({ content: [thinking, toolUse], stop_reason: 'tool_use' }),
      last: json({ content: [{ type: 'text', text: 'Done.' }], stop_reason: 'end_turn' }),
      returned: [{ role: 'assistant', content: [thinking, toolUse] }],
    },
    {
      api: 'responses',
      stream: false,
      asking: json(responseOf([reasoning, functionCall])),
      last: json(responseOf([])),
      returned: [reasoning, functionCall],
    },
    {
      api: 'responses',
      stream: true,
      asking: events({
        type: 'response.completed',
        response: responseOf([reasoning, functionCall]),
      }),
      last: events(
        { type: 'response.output_text.delta', delta: 'Done.' },
        { type: 'response.completed', response: responseOf([]) },
      ),
      returned: [reasoning, functionCall],
    },
    {
      api: 'gemini',
      stream: false,
      asking: json(candidateOf([thought, signed], 'STOP')),
      last: json(candidateOf([{ text: 'Done.' }], 'STOP')),
      returned: [{ role: 'model', parts: [thought, signed] }],
    },
    {
      api: 'gemini',
      stream: true,
      asking: events(
        candidateOf([thought]),
        candidateOf([{ text: 'I ' }]),
        candidateOf([{ text: 'look.' }]),
        candidateOf([signed]),
        candidateOf([{ text: '' }], 'STOP'),
      ),
      last: events(candidateOf([{ text: 'Done.' }], 'STOP')),
      returned: [{ role: 'model', parts: [thought, { text: 'I look.' }, signed] }],
    },
  ] as const)('$api, stream $stream', async ({ api, stream, asking, last, returned }) => {
    const requests: Record<string, unknown>[] = []
    const modelUrl = await listen(
      createServer(async (request, response) => {
        requests.push(JSON.parse(Buffer.concat(await request.toArray()).toString()))
        const type = stream ? 'text/event-stream' : 'application/json'
        response.writeHead(200, { 'content-type': type })
        response.end(requests.length === 1 ? asking : last)
      }),
    )
    const app = await startApp({ api, modelUrl })
    const response = await app.post({ message: 'go', stream })
    expect(response.status).toBe(200)
    await response.text()
    expect(requests).toHaveLength(2)
    const { messages, input: items, contents } = requests[1] ?? {}
    const sent = [messages, items, contents].find(Array.isArray) ?? []
    expect(sent.slice(1, -1)).toEqual(returned)
  })
})

/** The clock of the machine is set back by an hour while a turn is open: durations are those that have passed. */
import { expect, test } from 'vitest'
import { isTurn, startChat, turnTrees } from '../support/chat.ts'
import { type ApiRequest, lastText } from '../support/messages-api.ts'

const setsClock = new URL('../programs/sets-clock.ts', import.meta.url).href
const env = { NODE_OPTIONS: `--import ${setsClock}` }

test.for(['sdk', 'fetch'])(
  'a turn with a model call, a tool call and a file (%s)',
  async (client) => {
    const api = Promise.withResolvers<void>()
    const asked = Promise.withResolvers<void>()
    const answer = (request: ApiRequest) => {
      if (lastText(request) !== 'save it') return { text: 'Saved.' }
      asked.resolve()
      const input = { path: 'saved.txt', content: 'x' }
      return { text: '', tools: [{ id: 'tu_1', name: 'write_file', input }], until: api.promise }
    }
    await using chat = await startChat({ client, answer, env })
    const startedAt = Date.now()
    const response = chat.post('save it')
    await asked.promise
    chat.host.child.kill('SIGUSR2')
    await chat.host.line('clock')
    api.resolve()
    expect((await response).status).toBe(200)
    const endedAt = Date.now()
    await chat.post('and now')
    const { spans } = await chat.recorded()
    const [turn, later] = spans.filter(isTurn)
    const inTurn = spans.filter(({ traceId }) => traceId === turn?.traceId)
    expect(turnTrees({ spans: inTurn, logs: [] })).toEqual([
      'turn\n  chat\n  execute_tool write_file\n    file.create saved.txt\n  chat',
    ])
    for (const span of inTurn) {
      expect(span.startMs).toBeGreaterThanOrEqual(startedAt - 2)
      expect(span.endMs).toBeGreaterThanOrEqual(span.startMs)
      expect(span.endMs).toBeLessThanOrEqual(endedAt + 50)
      // No child begins before its turn, or ends after it.
      expect(span.startMs).toBeGreaterThanOrEqual((turn?.startMs ?? 0) - 1)
      expect(span.endMs).toBeLessThanOrEqual((turn?.endMs ?? 0) + 5)
    }
    // With nothing open, the time of day is followed.
    expect(later?.startMs).toBeLessThan(startedAt - 3_500_000)
  },
)

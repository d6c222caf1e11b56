/**
 * An agent that ends with an exception in a tool, or with `KILLS=1` is killed there: `WAY` says who runs the tool. The SDK and the libraries trace themselves; `by hand`
 * shows nothing of it.
 */
import Anthropic from '@anthropic-ai/sdk'
import { betaTool } from '@anthropic-ai/sdk/helpers/beta/json-schema'
import { trace } from '@opentelemetry/api'
import { toolCall, turn } from '@turnlog/instrumentation'

const { API = '', KILLS, WAY = '' } = process.env
const client = new Anthropic({ apiKey: 'k', baseURL: API, maxRetries: 0 })
const request = {
  model: 'm',
  max_tokens: 9,
  messages: [{ role: 'user' as const, content: 'Work' }],
}

/** Nobody waits for what fails here. */
function work(): Promise<string> {
  setTimeout(() => {
    if (KILLS === '1') process.kill(process.pid, 'SIGKILL')
    throw new RangeError('too far')
  })
  return new Promise(() => undefined)
}

const ways: Record<string, () => Promise<unknown>> = {
  sdk: async () =>
    await client.beta.messages.toolRunner({
      ...request,
      tools: [
        betaTool({
          name: 'work',
          description: 'works',
          inputSchema: { type: 'object', properties: {} },
          run: work,
        }),
      ],
    }),
  library: async () => {
    await client.messages.create(request)
    const attributes = {
      'gen_ai.operation.name': 'execute_tool',
      'gen_ai.tool.name': 'work',
      'gen_ai.tool.call.id': 'a',
    }
    await trace.getTracer('library').startActiveSpan('execute_tool work', { attributes }, work)
  },
  'toolCall()': async () => {
    await client.messages.create(request)
    await toolCall({ name: 'work', id: 'a' }, work)
  },
  'toolCall() of its own': () =>
    turn({ prompt: 'Work' }, () => toolCall({ name: 'work', arguments: {} }, work)),
  'toolCall() without a turn': () => toolCall({ name: 'work' }, work),
  'by hand': async () => {
    await client.messages.create(request)
    await work()
  },
}

await ways[WAY]?.()

/**
 * An agent that ends its model call before the answer: by a time limit of its SDK or client, by `AbortSignal.timeout`, or as a user who
 * presses a key does. `WAY` says how. It prints what it gets.
 */
import * as http from 'node:http'
import { setImmediate as nextTurn } from 'node:timers/promises'
import Anthropic from '@anthropic-ai/sdk'
import nodeFetch from 'node-fetch'
import OpenAI from 'openai'
import { Agent as Agent8, fetch as fetch8, request as request8 } from 'undici8'

const { API = '', WAY = '' } = process.env
const limitMs = 500
const url = `${API}/v1/messages`
const messages = [{ role: 'user' as const, content: 'Hello' }]
const body = { model: 'm', max_tokens: 9, messages }
const init = {
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(body),
}
const streamed = { ...init, body: JSON.stringify({ ...body, stream: true }) }
const anthropic = new Anthropic({ apiKey: 'k', baseURL: API, maxRetries: 0 })
const openai = new OpenAI({ apiKey: 'k', baseURL: `${API}/v1`, maxRetries: 0 })

/** Is aborted as by a key: Node calls the app outside of its timers. */
function keyPressed(): AbortSignal {
  const controller = new AbortController()
  void waitForRequest().then(() => nextTurn().then(() => controller.abort()))
  return controller.signal
}

/** Until the API has the request. */
async function waitForRequest(): Promise<void> {
  while (!(await (await fetch(`${API}/requests`)).json())) await nextTurn()
}

function byHttp(options: http.RequestOptions, stop?: (request: http.ClientRequest) => void) {
  return new Promise((resolve, reject) => {
    const request = http.request(url, { ...init, ...options })
    request.on('error', reject).on('response', (response) => {
      response.on('error', reject).resume().on('end', resolve)
    })
    request.end(init.body)
    stop?.(request)
  })
}

async function read(answer: Promise<{ readonly body: unknown }>): Promise<void> {
  for await (const _ of (await answer).body as AsyncIterable<unknown>);
}

const ways: Record<string, () => Promise<unknown>> = {
  'anthropic timeout': () => anthropic.messages.create(body, { timeout: limitMs }),
  'anthropic timeout, tried again': () =>
    anthropic.messages.create(body, { timeout: limitMs, maxRetries: 1 }),
  'anthropic with AbortSignal.timeout': () =>
    anthropic.messages.create(body, { signal: AbortSignal.timeout(limitMs) }),
  'openai timeout': () =>
    openai.chat.completions.create({ model: 'm', messages }, { timeout: limitMs }),
  'fetch with AbortSignal.timeout': () =>
    fetch(url, { ...init, signal: AbortSignal.timeout(limitMs) }),
  'a stream with AbortSignal.timeout': () =>
    read(fetch(url, { ...streamed, signal: AbortSignal.timeout(limitMs) })),
  'node:http with AbortSignal.timeout': () => byHttp({ signal: AbortSignal.timeout(limitMs) }),
  'node-fetch with AbortSignal.timeout': () =>
    nodeFetch(url, { ...init, signal: AbortSignal.timeout(limitMs) }),
  'undici headersTimeout': () => {
    const dispatcher = new Agent8({ headersTimeout: limitMs })
    return fetch8(url, { ...init, dispatcher })
  },
  'undici bodyTimeout': () => {
    const dispatcher = new Agent8({ bodyTimeout: limitMs })
    return read(request8(url, { ...streamed, method: 'POST', dispatcher }))
  },
  'anthropic, stopped by a key': () => anthropic.messages.create(body, { signal: keyPressed() }),
  'openai, stopped by a key': () =>
    openai.chat.completions.create({ model: 'm', messages }, { signal: keyPressed() }),
  'fetch, stopped by a key': () => fetch(url, { ...init, signal: keyPressed() }),
  'node:http, stopped by a key': () => byHttp({ signal: keyPressed() }),
  'node:http, destroyed by a key': () =>
    byHttp({}, (request) => void waitForRequest().then(() => request.destroy())),
  'fetch, stopped by a timer of the app': () => {
    const controller = new AbortController()
    setTimeout(() => controller.abort(), limitMs)
    return fetch(url, { ...init, signal: controller.signal })
  },
}

// The connection is there, so no limit runs out before the request is sent.
await (await fetch(`${API}/requests`)).json()
const outcome = await ways[WAY]?.().then(
  () => 'answered',
  (error: unknown) => (error instanceof Error ? error.constructor.name : typeof error),
)
console.log(outcome)

/**
 * A stand-in for a Collector. Like a real one it answers 200 to every request, and forwards it afterwards, unchanged; or
 * loses or holds it, as the test chooses. It repeats requests that the receiver does not take, without end.
 */
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { gunzipSync } from 'node:zlib'

export interface TakenRequest {
  readonly number: number
  readonly signal: 'traces' | 'logs'
  /** Its JSON. */
  readonly text: string
}

/** `twice`: forwards at once, and again a little later. */
export type Fate = 'pass' | 'lose' | 'hold' | 'twice'

export interface LossyCollectorOptions {
  /** The receiver's base URL. */
  readonly receiver: string
  /** A gateway's token for the receiver; without it, the users' tokens are forwarded. */
  readonly token?: string
  /** Decides the fate of each request; it may be changed at any time. */
  readonly fate?: (request: TakenRequest) => Fate
}

export async function startLossyCollector({
  receiver,
  token,
  fate = () => 'pass',
}: LossyCollectorOptions) {
  const taken: (TakenRequest & { readonly fate: Fate })[] = []
  const state = { fate }
  const held: (() => void)[] = []
  const closing = new AbortController()
  const working = new Set<Promise<void>>()

  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const body = Buffer.concat(chunks)
      response.setHeader('content-type', 'application/json').end('{"partialSuccess":{}}')
      const signal = request.url === '/v1/traces' ? 'traces' : 'logs'
      const one = { number: taken.length + 1, signal, text: gunzipSync(body).toString() } as const
      const its = state.fate(one)
      taken.push({ ...one, fate: its })
      const pass = () => start(passOn(`${receiver}${request.url}`, request.headers, body))
      if (its === 'pass' || its === 'twice') pass()
      if (its === 'twice') start(sleep(200).then(() => void pass()))
      if (its === 'hold') held.push(pass)
    })
  })
  server.listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))

  function start(work: Promise<void>): void {
    working.add(work)
    void work.finally(() => working.delete(work))
  }

  async function passOn(url: string, headers: IncomingHttpHeaders, body: Buffer): Promise<void> {
    while (!closing.signal.aborted) {
      const answer = await fetch(url, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          'content-encoding': 'gzip',
          authorization: token === undefined ? (headers.authorization ?? '') : `Bearer ${token}`,
        },
        body: new Uint8Array(body),
        signal: closing.signal,
      }).catch(() => undefined)
      await answer?.arrayBuffer().catch(() => undefined)
      if (answer !== undefined && ![429, 502, 503, 504].includes(answer.status)) return
      await sleep(100, undefined, { signal: closing.signal }).catch(() => undefined)
    }
  }

  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    /** All requests that were answered 200, in order. */
    taken,
    setFate(next: (request: TakenRequest) => Fate): void {
      state.fate = next
    },
    /** Forwards the held requests, the oldest first. */
    release(): void {
      for (const pass of held.splice(0)) pass()
    },
    async [Symbol.asyncDispose]() {
      closing.abort()
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
      await Promise.allSettled(working)
    },
  }
}

/** Makes plain events, and sends them. */
import { gzipSync } from 'node:zlib'
import type { Target } from './otlp.ts'

export type Event = Readonly<Record<string, unknown>>

/** One event of each type for one turn: session, turn, tool call, edited file, decision and error. */
export function eventsOfTurn(names: {
  readonly sessionId: string
  readonly turnId: string
  readonly at?: Date
}): Record<'session' | 'turn' | 'tool' | 'file' | 'decision' | 'error', Event> {
  const { sessionId, turnId, at = new Date() } = names
  const timestamp = at.toISOString()
  const common = { sessionId, conversationId: 'c-1', turnId, timestamp }
  const toolCallId = `call-of-${turnId}`
  const opId = `op-of-${turnId}`
  return {
    session: {
      type: 'SessionStart',
      sessionId,
      timestamp,
      userId: 'nils',
      machineId: 'b3c1f0',
      appVersion: '1.4.0',
      os: 'linux',
    },
    turn: {
      ...common,
      type: 'ChatTurn',
      userPrompt: 'Rename foo to bar.',
      assistantFinal: 'Done.',
      model: 'claude-sonnet-4-5',
      latencyMs: 5_250,
    },
    tool: {
      ...common,
      type: 'ToolCall',
      toolCallId,
      toolName: 'write_file',
      args: { path: 'src/foo.ts' },
      result: 'ok',
      durationMs: 40,
      error: null,
    },
    file: {
      ...common,
      type: 'FileOperation',
      toolCallId,
      opId,
      path: 'src/foo.ts',
      opType: 'edit',
      beforeContent: 'let foo = 1\n',
      afterContent: 'let bar = 1\n',
      unifiedDiff: '--- a/src/foo.ts\n+++ b/src/foo.ts\n@@ -1 +1 @@\n-let foo = 1\n+let bar = 1\n',
      locAdded: 1,
      locRemoved: 1,
    },
    decision: {
      ...common,
      type: 'ChangeDecision',
      opId,
      decision: 'reject',
      reason: 'not this one',
    },
    error: {
      ...common,
      type: 'Error',
      message: 'x is not a function',
      stack: 'TypeError: x is not a function\n    at main (app.js:3:1)',
      context: { phase: 'startup' },
    },
  }
}

/** Strings and bytes are sent unchanged. */
export function postEvents(
  { url, token }: Target,
  events: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<Response> {
  const isRaw = typeof events === 'string' || events instanceof Uint8Array
  const body = isRaw ? Buffer.from(events) : gzipSync(JSON.stringify(events))
  return fetch(`${url}/api/v1/events`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      ...(isRaw ? {} : { 'content-encoding': 'gzip' }),
      ...headers,
    },
    body,
  })
}

export interface EventAnswer {
  readonly received: number
  readonly landed: number
  readonly duplicate: number
  readonly rejected: number
  readonly results: readonly {
    readonly index: number
    readonly status: string
    readonly eventId?: string
    readonly sessionId?: string
    readonly traceId?: string
    readonly spanId?: string
    readonly reason?: string
  }[]
}

/** Sends events, and expects the answer 200. */
export async function sendEvents(target: Target, events: unknown): Promise<EventAnswer> {
  const answer = await postEvents(target, events)
  if (answer.status !== 200) throw new Error(`${answer.status} ${await answer.text()}`)
  return (await answer.json()) as EventAnswer
}

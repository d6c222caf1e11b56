/**
 * One HTTP exchange with a model API, whichever client carries it: the span it belongs to, its raw bytes, the tools
 * its answer asks for and the tool results its request brings.
 *
 * When the span that is active where the request is made already is a model call (the SDK traces itself), the bytes
 * are added to that span, each retry as a further exchange of it; else the exchange opens a span of its own. Never both.
 */
import { type Context, type Span, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'
import type { AttributeName } from '@turnlog/conventions'
import { quietly } from '../health.ts'
import {
  createToolUseWatcher,
  findToolResults,
  isAnthropicMessagesRequest,
} from '../models/anthropic.ts'
import { toldCallOf } from '../record/candidate-context.ts'
import { contexts } from '../record/contexts.ts'
import type { Recorder } from '../record/recorder.ts'
import type { ToolCallOwner, ToolCalls } from '../record/tool-call.ts'
import type { Candidate } from '../record/turn.ts'
import type { ToldCall } from './api-tool-calls.ts'
import { isModelCall } from './native-spans.ts'
import { turnOfCall } from './turn-of-call.ts'

/** A request body larger than this is not searched for tool results. */
const searchedBytesMax = 64 * 1024 ** 2

export interface ModelExchange {
  sent(chunk: string | Uint8Array): void
  allSent(): void
  answered(status: number, headers: readonly (readonly [string, string])[]): void
  received(chunk: Uint8Array): void
  finished(): void
  failed(error: unknown): void
}

/** Opens an exchange in the current async context; `undefined` when the request is not for a model API. */
export type OpenExchange = (request: {
  readonly method: string
  readonly url: string
}) => ModelExchange | undefined

export interface ExchangeDependencies {
  readonly recorder: Recorder
  readonly toolCalls: ToolCalls
  /** Milliseconds, monotonic. */
  readonly clock: () => number
}

export function createExchanges({
  recorder,
  toolCalls,
  clock,
}: ExchangeDependencies): OpenExchange {
  const exchangeCounts = new WeakMap<Span, number>()

  return ({ method, url }) => {
    const { pathname, hostname, port, protocol } = parseUrl(url) ?? {}
    if (pathname === undefined || !isAnthropicMessagesRequest(method, pathname)) return undefined
    const active = contexts.active()
    const candidate = turnOfCall(active)
    const native = trace.getSpan(active)
    const isNative = native !== undefined && isModelCall(native)
    const span = isNative ? native : startSpan(active)
    const exchange = (exchangeCounts.get(span) ?? 0) + 1
    exchangeCounts.set(span, exchange)
    const told = toldCallOf(active) as ToldCall | undefined
    return follow(span, exchange, {
      isOwn: !isNative,
      url,
      candidate,
      owner: told ?? candidate,
      parent: trace.setSpan(active, told?.span ?? candidate?.span ?? span),
    })

    function startSpan(from: Context): Span {
      return recorder.tracer.startSpan(
        'chat',
        {
          kind: SpanKind.CLIENT,
          attributes: {
            'gen_ai.operation.name': 'chat',
            'gen_ai.provider.name': 'anthropic',
            'server.address': hostname ?? '',
            'server.port': Number(port) || (protocol === 'http:' ? 80 : 443),
          } satisfies { [Name in AttributeName]?: string | number },
        },
        from,
      )
    }
  }

  function follow(
    span: Span,
    exchange: number,
    facts: {
      readonly isOwn: boolean
      readonly url: string
      readonly candidate: Candidate | undefined
      readonly owner: ToolCallOwner | undefined
      /** Tool calls are siblings of the model call: children of the turn, or of the tool call the app has told that it
       * is made in; without either, the model call's own. */
      readonly parent: Context
    },
  ): ModelExchange {
    const { owner } = facts
    const startedAt = clock()
    let requestPieces: (string | Uint8Array)[] = []
    let requestBytes = 0
    let watcher: ReturnType<typeof createToolUseWatcher> | undefined
    let firstChunkAt: number | undefined
    let isOver = false
    /** A host that stops reading ends the SDK's span before the last bytes have come: those are not recorded. */
    const isOpen = (): boolean => span.isRecording()
    recorder.wire(span, exchange, {
      url: facts.url,
      ...(facts.candidate === undefined ? {} : { turns: facts.candidate.turnIds() }),
    })

    function open(uses: ReturnType<ReturnType<typeof createToolUseWatcher>['push']>): void {
      for (const use of uses) toolCalls.begin(use, facts.parent, owner)
    }

    function over(wire: Parameters<Recorder['wire']>[2], hasFailed: boolean): void {
      if (isOver) return
      isOver = true
      requestPieces = []
      quietly('read an answer to its end', () => {
        if (watcher !== undefined) open(watcher.end())
      })
      // An API that fails after it has begun to answer says so in the answer.
      const isFailed = hasFailed || watcher?.hasError() === true
      if (isOpen()) {
        const timeToFirstChunk =
          firstChunkAt === undefined ? undefined : (firstChunkAt - startedAt) / 1_000
        recorder.wire(span, exchange, {
          ...wire,
          ...(timeToFirstChunk === undefined ? {} : { timeToFirstChunk }),
        })
      }
      facts.candidate?.callEnded(isFailed)
      if (!facts.isOwn) return
      if (isFailed) span.setStatus({ code: SpanStatusCode.ERROR })
      span.end()
    }

    function finishTools(): void {
      if (toolCalls.size === 0 || requestPieces.length === 0) return
      for (const id of findToolResults(joined(requestPieces), toolCalls.openIds())) {
        toolCalls.finish(id, span, exchange)
      }
    }

    let status = 0
    return {
      sent(chunk) {
        if (isOpen()) recorder.content(span, 'wire.request', chunk, exchange)
        requestBytes += chunk.length
        if (toolCalls.size > 0 && requestBytes <= searchedBytesMax) requestPieces.push(chunk)
      },
      allSent() {
        finishTools()
        requestPieces = []
      },
      answered(code, headers) {
        status = code
        // A body whose length was announced may be answered before the host has said that it is done with it.
        finishTools()
        if (isOpen()) recorder.wire(span, exchange, { status: code, headers })
        const header = (name: string) => headers.find(([key]) => key === name)?.[1]
        if (code < 300) {
          watcher = createToolUseWatcher(header('content-type') ?? '', header('content-encoding'))
        }
      },
      received(chunk) {
        firstChunkAt ??= clock()
        if (isOpen()) recorder.content(span, 'wire.response', chunk, exchange)
        if (watcher !== undefined) open(watcher.push(chunk))
      },
      finished() {
        over({ isComplete: true }, status >= 400)
      },
      failed(error) {
        over({ isComplete: false, error: errorName(error) }, true)
      },
    }
  }
}

function joined(pieces: readonly (string | Uint8Array)[]): Uint8Array {
  const [first] = pieces
  if (pieces.length === 1 && first !== undefined) {
    return typeof first === 'string' ? Buffer.from(first) : first
  }
  return Buffer.concat(
    pieces.map((piece) => (typeof piece === 'string' ? Buffer.from(piece) : piece)),
  )
}

function errorName(error: unknown): string {
  if (!(error instanceof Error)) return 'error'
  const code: unknown = Reflect.get(error, 'code')
  return typeof code === 'string' ? code : error.name
}

function parseUrl(url: string): URL | undefined {
  return URL.canParse(url) ? new URL(url) : undefined
}

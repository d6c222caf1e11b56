/**
 * Tool calls of hand-written loops, inferred from what the model says and is told: a complete `tool_use` block in an
 * answer opens the call, the first request whose body holds its id closes it. The duration is an upper bound, unless an
 * SDK that runs the tools itself says when it was done.
 *
 * An app that tells of its calls itself (`toolCall()`) takes the inferred one over: the same span, from then on begun and
 * ended by the app.
 */
import { isDeepStrictEqual } from 'node:util'
import { type Attributes, type Context, type Span, SpanKind, trace } from '@opentelemetry/api'
import type { AttributeName } from '@turnlog/conventions'
import { parseJson } from '@turnlog/conventions/plain'
import type { Recorder } from './recorder.ts'

/** Calls that are never answered must not leak: beyond this the oldest is left unfinished. */
const openCallsMax = 1_000
/** Arguments longer than this are searched as they are: parsing them would be felt by the host. */
const parsedArgumentsLengthMax = 64 * 1024

export interface ToolUse {
  readonly id: string
  readonly name: string
  /** JSON as the model wrote it. */
  readonly arguments: string
}

/** A call as the app tells of it. */
export interface ToldToolUse {
  readonly name: string
  readonly id?: string | undefined
  /** JSON, or a text of the app's own. */
  readonly arguments?: string | undefined
}

/** Whose call it is: told when it ends. */
export interface ToolCallOwner {
  readonly openTools: Map<string, ToolCall>
  toolEnded(id: string): void
}

export interface ToolCall {
  /** The model's; undefined where the app does not say it. */
  readonly id: string | undefined
  readonly name: string
  readonly span: Span
  /** Whether `text` is one of the strings in its arguments. */
  names(text: string): boolean
  /** Whether these are its arguments. */
  takes(given: string | undefined): boolean
  /** Files it has already changed, by absolute path. */
  readonly changed: Set<string>
  leaveUnfinished(): void
}

type ToolAttributes = { [Name in AttributeName]?: string | boolean }

interface OpenCall {
  readonly id: string
  readonly call: ToolCall
  readonly owner: ToolCallOwner | undefined
  isJoined: boolean
  /** By `clock`: when the SDK that ran it was done. */
  doneAt: number | undefined
}

export type ToolCalls = ReturnType<typeof createToolCalls>

export function createToolCalls(recorder: Recorder, clock: () => number) {
  const open = new Map<string, OpenCall>()

  function startSpan(use: ToldToolUse, parent: Context, extra: ToolAttributes): Span {
    const span = recorder.tracer.startSpan(
      `execute_tool ${use.name}`,
      {
        kind: SpanKind.INTERNAL,
        attributes: {
          'gen_ai.operation.name': 'execute_tool',
          'gen_ai.tool.name': use.name,
          ...(use.id === undefined ? {} : { 'gen_ai.tool.call.id': use.id }),
          'gen_ai.tool.type': 'function',
          ...extra,
        } satisfies ToolAttributes,
      },
      parent,
    )
    if (use.arguments !== undefined) recorder.content(span, 'tool.arguments', use.arguments)
    return span
  }

  /**
   * The open call the app means: by its id; else the one an SDK runs here; else the first of that name in the same turn,
   * one with the same arguments before others, since loops run calls in their order.
   */
  function meant(use: ToldToolUse, owner: ToolCallOwner | undefined, active: Span | undefined) {
    if (use.id !== undefined) return open.get(use.id)
    const named = [...open.values()].filter((entry) => entry.call.name === use.name)
    const running = active?.spanContext().spanId
    const isRunning = ({ call }: OpenCall): boolean => call.span.spanContext().spanId === running
    const ofOwner = named.filter((entry) => entry.owner === owner)
    return (
      named.find(isRunning) ?? ofOwner.find(({ call }) => call.takes(use.arguments)) ?? ofOwner[0]
    )
  }

  return {
    /** The ids the model waits for. */
    openIds: (): IterableIterator<string> => open.keys(),
    get size() {
      return open.size
    },
    /** The model asked for a tool. Asked again under the same id (a repeated answer), nothing new opens. */
    begin(use: ToolUse, parent: Context, owner: ToolCallOwner | undefined): void {
      if (open.has(use.id) || owner?.openTools.has(use.id) === true) return
      const oldest = open.size >= openCallsMax ? open.values().next() : undefined
      if (oldest?.value !== undefined) oldest.value.call.leaveUnfinished()
      const span = startSpan(use, parent, { 'turnlog.tool_call.inferred': true })
      const call = createCall(use, span, () => {
        const entry = open.get(use.id)
        if (entry === undefined) return
        open.delete(use.id)
        owner?.openTools.delete(use.id)
        span.setAttribute('turnlog.tool_call.unfinished' satisfies AttributeName, true)
        span.end(entry.doneAt)
      })
      open.set(use.id, { id: use.id, call, owner, isJoined: false, doneAt: undefined })
      owner?.openTools.set(use.id, call)
    },
    /**
     * The app tells of a call, which ends when it says so: of the one that was inferred from the model's answer, where
     * that is open. It keeps its span and what the model wrote, and begins now.
     */
    tell(
      use: ToldToolUse,
      { parent, owner, at }: { parent: Context; owner: ToolCallOwner | undefined; at: number },
    ): { readonly call: ToolCall; readonly wasInferred: boolean } {
      const entry = meant(use, owner, trace.getSpan(parent))
      if (entry === undefined) {
        return { call: createCall(use, startSpan(use, parent, {})), wasInferred: false }
      }
      const { id, call } = entry
      open.delete(id)
      entry.owner?.openTools.delete(id)
      call.span.setAttribute('turnlog.tool_call.inferred' satisfies AttributeName, false)
      recorder.startAgain(call.span, at)
      return { call, wasInferred: true }
    },
    /**
     * An SDK starts a span of its own for the open call `id`: it gets the call's, which it can add to and whose end it
     * tells, but which stays open until the model is told. `undefined`: no such call is open, or its span is given away.
     */
    joined(id: string, attributes: Attributes = {}): Span | undefined {
      const entry = open.get(id)
      if (entry === undefined || entry.isJoined) return undefined
      entry.isJoined = true
      entry.call.span.setAttributes(attributes)
      return new Proxy(entry.call.span, {
        get(span, key) {
          if (key === 'end') return () => (entry.doneAt = clock())
          const member: unknown = Reflect.get(span, key)
          return typeof member === 'function' ? member.bind(span) : member
        },
      })
    },
    /** The model was told the result, in exchange `exchange` of the model call `by`. */
    finish(id: string, by: Span, exchange: number): void {
      const entry = open.get(id)
      if (entry === undefined) return
      open.delete(id)
      recorder.note(entry.call.span, { result: { id: by.spanContext().spanId, x: exchange } })
      entry.call.span.end(entry.doneAt)
      entry.owner?.toolEnded(id)
    },
  }
}

/** A call whose span is `span`. */
export function createCall(
  { name, id, arguments: given = '' }: ToldToolUse,
  span: Span,
  leaveUnfinished = (): void => undefined,
): ToolCall {
  return {
    id,
    name,
    span,
    names: namesIn(given),
    takes: (other) => other !== undefined && isEqualJson(given, other),
    changed: new Set(),
    leaveUnfinished,
  }
}

/**
 * The call a file operation belongs to: the one whose span is active, else the only open one, else the one whose
 * arguments name the path; of several, the first that has not changed it yet, since loops run calls in their order.
 */
export function attribute(
  calls: Iterable<ToolCall>,
  {
    names,
    absolute,
    activeSpanId,
  }: {
    /** The path as an argument may write it. */
    readonly names: readonly string[]
    readonly absolute: string
    readonly activeSpanId: string | undefined
  },
): { readonly call: ToolCall | undefined; readonly isShared: boolean } {
  const open = [...calls]
  const active = open.find(({ span }) => span.spanContext().spanId === activeSpanId)
  if (active !== undefined) return { call: active, isShared: false }
  if (open.length <= 1) return { call: open[0], isShared: false }
  const naming = open.filter((call) => names.some((name) => call.names(name)))
  if (naming.length === 0) return { call: undefined, isShared: true }
  const call = naming.find(({ changed }) => !changed.has(absolute)) ?? naming.at(-1)
  return { call, isShared: naming.length > 1 }
}

function isEqualJson(one: string, other: string): boolean {
  if (one === other) return true
  if (Math.max(one.length, other.length) > parsedArgumentsLengthMax) return false
  const [a, b] = [parseJson(one), parseJson(other)]
  return a !== undefined && isDeepStrictEqual(a, b)
}

function namesIn(json: string): (text: string) => boolean {
  // A quote inside of a string is escaped, so a quoted text is a whole string.
  if (json.length > parsedArgumentsLengthMax) return (text) => json.includes(JSON.stringify(text))
  const found = stringsIn(json)
  return (text) => found.has(text)
}

function stringsIn(json: string): ReadonlySet<string> {
  const found = new Set<string>()
  const collect = (value: unknown, depth: number): void => {
    if (typeof value === 'string') {
      if (value.length < 4_096) found.add(value)
    } else if (typeof value === 'object' && value !== null && depth < 4) {
      for (const member of Object.values(value)) collect(member, depth + 1)
    }
  }
  collect(parseJson(json), 0)
  return found
}

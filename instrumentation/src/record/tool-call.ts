/**
 * Tool calls of hand-written loops, inferred from what the model says and is told: a complete `tool_use` block in an
 * answer opens the call, the first request whose body holds its id closes it. The duration is an upper bound, unless an
 * SDK that runs the tools itself says when it was done.
 */
import { type Attributes, type Context, type Span, SpanKind } from '@opentelemetry/api'
import type { AttributeName } from '@turnlog/conventions'
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

/** Whose call it is: told when it ends. */
export interface ToolCallOwner {
  readonly openTools: Map<string, ToolCall>
  toolEnded(id: string): void
}

export interface ToolCall {
  readonly id: string
  readonly name: string
  readonly span: Span
  /** Whether `text` is one of the strings in its arguments. */
  names(text: string): boolean
  /** Files it has already changed, by absolute path. */
  readonly changed: Set<string>
  leaveUnfinished(): void
}

interface OpenCall {
  readonly call: ToolCall
  readonly owner: ToolCallOwner | undefined
  isJoined: boolean
  /** By `clock`: when the SDK that ran it was done. */
  doneAt: number | undefined
}

export type ToolCalls = ReturnType<typeof createToolCalls>

export function createToolCalls(recorder: Recorder, clock: () => number) {
  const open = new Map<string, OpenCall>()

  return {
    /** The ids the model waits for. */
    openIds: (): IterableIterator<string> => open.keys(),
    get size() {
      return open.size
    },
    /** The model asked for a tool. Asked again under the same id (a repeated answer), nothing new opens. */
    begin(use: ToolUse, parent: Context, owner: ToolCallOwner | undefined): void {
      if (open.has(use.id)) return
      const oldest = open.size >= openCallsMax ? open.values().next() : undefined
      if (oldest?.value !== undefined) oldest.value.call.leaveUnfinished()
      const span = recorder.tracer.startSpan(
        `execute_tool ${use.name}`,
        {
          kind: SpanKind.INTERNAL,
          attributes: {
            'gen_ai.operation.name': 'execute_tool',
            'gen_ai.tool.name': use.name,
            'gen_ai.tool.call.id': use.id,
            'gen_ai.tool.type': 'function',
            'turnlog.tool_call.inferred': true,
          } satisfies { [Name in AttributeName]?: string | boolean },
        },
        parent,
      )
      recorder.content(span, 'tool.arguments', use.arguments)
      const call: ToolCall = {
        id: use.id,
        name: use.name,
        span,
        names: namesIn(use.arguments),
        changed: new Set(),
        leaveUnfinished(): void {
          const entry = open.get(use.id)
          if (entry === undefined) return
          open.delete(use.id)
          owner?.openTools.delete(use.id)
          span.setAttribute('turnlog.tool_call.unfinished' satisfies AttributeName, true)
          span.end(entry.doneAt)
        },
      }
      open.set(use.id, { call, owner, isJoined: false, doneAt: undefined })
      owner?.openTools.set(use.id, call)
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
  try {
    collect(JSON.parse(json), 0)
  } catch {
    // Arguments that are no JSON name nothing.
  }
  return found
}

/**
 * Tool calls of hand-written loops, inferred from what the model says and is told: a complete `tool_use` block in an
 * answer opens the call, the first request whose body holds its id closes it. The duration is an upper bound.
 */
import { type Context, type Span, SpanKind } from '@opentelemetry/api'
import type { AttributeName } from '@turnlog/conventions'
import type { Recorder } from './recorder.ts'

/** Calls that are never answered must not leak: beyond this the oldest is left unfinished. */
const openCallsMax = 1_000
/** Arguments longer than this are not searched for paths. */
const searchedArgumentsLengthMax = 1024 ** 2

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
  /** Absolute or relative paths its arguments may name: every string of them. */
  readonly strings: ReadonlySet<string>
  /** Files it has already changed, by absolute path. */
  readonly changed: Set<string>
  leaveUnfinished(): void
}

export function createToolCalls(recorder: Recorder) {
  const open = new Map<string, { call: ToolCall; owner: ToolCallOwner | undefined }>()

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
        strings: stringsOf(use.arguments),
        changed: new Set(),
        leaveUnfinished(): void {
          if (!open.delete(use.id)) return
          owner?.openTools.delete(use.id)
          span.setAttribute('turnlog.tool_call.unfinished' satisfies AttributeName, true)
          span.end()
        },
      }
      open.set(use.id, { call, owner })
      owner?.openTools.set(use.id, call)
    },
    /** The model was told the result, in exchange `exchange` of the model call `by`. */
    finish(id: string, by: Span, exchange: number): void {
      const entry = open.get(id)
      if (entry === undefined) return
      open.delete(id)
      recorder.note(entry.call.span, { result: { id: by.spanContext().spanId, x: exchange } })
      entry.call.span.end()
      entry.owner?.toolEnded(id)
    },
    /** The process ends. */
    leaveAllUnfinished(): void {
      for (const { call } of [...open.values()]) call.leaveUnfinished()
    },
  }
}

/**
 * The call a file operation belongs to: the only open one, else the one whose arguments name the path; of several,
 * the first that has not changed it yet, since loops run calls in their order.
 */
export function attribute(
  calls: Iterable<ToolCall>,
  path: { readonly absolute: string; readonly relative: string },
): { readonly call: ToolCall | undefined; readonly isShared: boolean } {
  const open = [...calls]
  if (open.length <= 1) return { call: open[0], isShared: false }
  const naming = open.filter(
    ({ strings }) =>
      strings.has(path.relative) || strings.has(path.absolute) || strings.has(`./${path.relative}`),
  )
  if (naming.length === 0) return { call: undefined, isShared: true }
  const call = naming.find(({ changed }) => !changed.has(path.absolute)) ?? naming.at(-1)
  return { call, isShared: naming.length > 1 }
}

function stringsOf(json: string): ReadonlySet<string> {
  const found = new Set<string>()
  if (json.length > searchedArgumentsLengthMax) return found
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

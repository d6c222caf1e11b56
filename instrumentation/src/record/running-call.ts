/**
 * The tool call in whose async context code runs: the one whose span is active, else the one that a framework says it runs
 * there. A framework that gives no span is asked by a *finder*.
 */
import { type Context, createContextKey, trace } from '@opentelemetry/api'
import { quietly } from '../health.ts'
import type { ToolCall } from './tool-call.ts'

/** What is known of the tool call that a framework runs in this context: its id, or only the tool's name. */
export interface RunningTool {
  readonly id?: string | undefined
  readonly name?: string | undefined
}

type CallFinder = (active: Context) => readonly RunningTool[]

const finders = new Set<CallFinder>()
const callIdKey = createContextKey('turnlog framework tool call')

/** `base`, in the tool call with this id. */
export function contextWithCallId(base: Context, id: string): Context {
  return base.setValue(callIdKey, id)
}

/** The returned function undoes it. */
export function addCallFinder(finder: CallFinder): () => void {
  finders.add(finder)
  return () => void finders.delete(finder)
}

export function runningCall(active: Context, calls: readonly ToolCall[]): ToolCall | undefined {
  const spanId = trace.getSpan(active)?.spanContext().spanId
  const ofSpan = calls.find(({ span }) => span.spanContext().spanId === spanId)
  if (ofSpan !== undefined) return ofSpan
  for (const { id, name } of toolsIn(active)) {
    const byId = id === undefined ? undefined : calls.find((each) => each.id === id)
    if (byId !== undefined) return byId
    const [named, ...others] = calls.filter((each) => each.name === name)
    // Of several calls of one tool, the name does not say which one is meant.
    if (id === undefined && named !== undefined && others.length === 0) return named
  }
  return undefined
}

function* toolsIn(active: Context): Generator<RunningTool> {
  const id = active.getValue(callIdKey)
  if (typeof id === 'string') yield { id }
  for (const finder of finders) {
    yield* quietly('find the tool call of a framework', () => finder(active)) ?? []
  }
}

/**
 * The tool call in whose async context code runs: the one whose span is active, else the one that a framework says it runs
 * there. A framework that gives no span is asked by a *finder*.
 */
import { type Context, createContextKey, trace } from '@opentelemetry/api'
import type { ToolCall } from './tool-call.ts'

/** The id of the tool call that a framework runs in this context. */
type CallFinder = (active: Context) => string | undefined

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
  for (const id of idsIn(active)) {
    const call = calls.find((each) => each.id === id)
    if (call !== undefined) return call
  }
  return undefined
}

function* idsIn(active: Context): Generator<unknown> {
  yield active.getValue(callIdKey)
  for (const finder of finders) yield finder(active)
}

/** Which of the open tool calls has changed a file. */
import type { Context } from '@opentelemetry/api'
import { runningCall } from './running-call.ts'
import type { ToolCall } from './tool-call.ts'

/** Without those in which a sub-agent has called another one of them. */
export function innermost(calls: readonly ToolCall[]): ToolCall[] {
  if (calls.length <= 1) return [...calls]
  const around = new Set(calls.map(({ parent }) => parent))
  return calls.filter((call) => !around.has(call))
}

/**
 * The call that a file operation belongs to: the one that its async context is in, else the only open one, else the one whose
 * arguments name the path. Of several, it is the first that has not changed the file yet, since loops run calls in order.
 */
export function callOfFile(
  calls: Iterable<ToolCall>,
  {
    names,
    absolute,
    active: context,
  }: {
    /** The path as an argument may write it. */
    readonly names: readonly string[]
    readonly absolute: string
    readonly active: Context
  },
): { readonly call: ToolCall | undefined; readonly isShared: boolean } {
  const open = innermost([...calls])
  const active = runningCall(context, open)
  if (active !== undefined) return { call: active, isShared: false }
  if (open.length <= 1) return { call: open[0], isShared: false }
  const naming = open.filter((call) => names.some((name) => call.arguments.names(name)))
  if (naming.length === 0) return { call: undefined, isShared: true }
  const call = naming.find(({ changed }) => !changed.has(absolute)) ?? naming.at(-1)
  return { call, isShared: naming.length > 1 }
}

/**
 * The public API, for what cannot be observed. Without the preload the calls record nothing, and callbacks run all the
 * same. The preload's instance records, whichever copy of this package is called.
 */
import { randomUUID } from 'node:crypto'
import type {
  Decision,
  FileOperation,
  ToolCall,
  ToolCallOptions,
  Turn,
  TurnOptions,
} from './api.ts'
import { followWork, type OpenWork } from './follow-work.ts'
import { findHandle } from './handle.ts'

export type * from './api.ts'

/**
 * One user message and all that follows until its answer: `work` runs as a turn, and model calls, tool calls, file
 * operations and errors in it belong to it. Returns what `work` returns, throws what it throws (the turn then failed).
 *
 * Inside an HTTP request or a WebSocket message that is being handled, it *is* that message's turn, not a second one;
 * inside another turn it is the work of a sub-agent, a child of that turn. The turn ends when the promise that `work`
 * returns is settled, or its generator is done; with any other value at once.
 */
export function turn<Value>(
  options: TurnOptions,
  work: (turn: Turn) => PromiseLike<Value>,
): Promise<Value>
export function turn<Value>(options: TurnOptions, work: (turn: Turn) => Value): Value
export function turn(options: TurnOptions, work: (turn: Turn) => unknown): unknown {
  return followWork(findHandle()?.openTurn?.(options) ?? silent, work)
}

/**
 * One execution of a tool the model asked for. What `work` returns is recorded as the result, unless `call.result()` gives
 * another; what it throws is recorded as the call's error and thrown on. File operations and model calls in it belong to it.
 */
export function toolCall<Value>(
  options: ToolCallOptions,
  work: (call: ToolCall) => PromiseLike<Value>,
): Promise<Value>
export function toolCall<Value>(options: ToolCallOptions, work: (call: ToolCall) => Value): Value
export function toolCall(options: ToolCallOptions, work: (call: ToolCall) => unknown): unknown {
  return followWork(findHandle()?.openToolCall?.(options) ?? silent, work)
}

/**
 * Records an edit that `node:fs` did not make: in a sandbox, by another process, in an editor's buffer. It belongs to the
 * tool call or turn it is called in. Returns the operation's id, for `decide()` and the Changes routes. Never throws.
 */
export function fileOperation(operation: FileOperation): string {
  const id = randomUUID()
  findHandle()?.fileOperation?.(operation, id)
  return id
}

/** Records a decision about a file operation, for apps that have their own review of changes. Never throws. */
export function decide(decision: Decision): void {
  findHandle()?.decide(decision)
}

findHandle()?.expectTurns?.()

const nothing = (): void => undefined
const silent: OpenWork<Turn & ToolCall> = {
  face: {
    answer: nothing,
    conversation: nothing,
    result: nothing,
    fail: nothing,
    traceId: undefined,
  },
  run: (step) => step(),
  succeed: nothing,
  fail: nothing,
}

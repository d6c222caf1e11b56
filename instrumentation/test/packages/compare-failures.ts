/** Compares what an app has recorded with a situation in which something fails, is tried again, or is stopped. */

import type { Recorded, RecordedSpan } from '../support/recorded.ts'
import {
  difference,
  isInTurn,
  isToolCall,
  isTurn,
  modelCallsOf,
  parsed,
  type RecordFaults,
} from './compare-records.ts'
import type { Run } from './packages.ts'
import { scenario } from './scenario.ts'
import { failures, type Situation, secondInput } from './situations.ts'

interface Expected {
  readonly outcome: string
  /** By model call: how many requests it took, and whether it failed or was stopped. */
  readonly modelCalls: readonly {
    readonly attempts?: number
    readonly ended?: 'failed' | 'aborted'
  }[]
  readonly inputs: readonly object[]
  /** The kinds of what the view `errors` has. */
  readonly errors: readonly string[]
}

const { input } = scenario
const expectations: Readonly<Record<Exclude<Situation, 'tool'>, Expected>> = {
  'two tools': {
    outcome: 'completed',
    modelCalls: [{}, {}],
    inputs: [input, secondInput],
    errors: [],
  },
  'failing tool': {
    outcome: 'completed',
    modelCalls: [{}, {}],
    inputs: [input],
    errors: ['tool_call'],
  },
  retry: { outcome: 'completed', modelCalls: [{ attempts: 2 }, {}], inputs: [input], errors: [] },
  refusal: {
    outcome: 'failed',
    modelCalls: [{ ended: 'failed' }],
    inputs: [],
    errors: ['model_call'],
  },
  'cut answer': {
    outcome: 'failed',
    modelCalls: [{ ended: 'failed' }],
    inputs: [],
    errors: ['model_call'],
  },
  'no connection': {
    outcome: 'failed',
    modelCalls: [{ ended: 'failed' }],
    inputs: [],
    errors: ['model_call'],
  },
  abort: { outcome: 'aborted', modelCalls: [{ ended: 'aborted' }], inputs: [], errors: [] },
}

const ofToolFailures: Readonly<Record<Run['entry']['toolFailures'], Partial<Expected>>> = {
  told: {},
  hidden: { errors: [] },
  thrown: { outcome: 'failed', modelCalls: [{}] },
}

export function failureFaultsOf(recorded: Recorded, { entry, situation }: Run): RecordFaults {
  if (situation === 'tool') return {}
  const expected = {
    ...expectations[situation],
    ...(situation === 'failing tool' ? ofToolFailures[entry.toolFailures] : {}),
  }
  const found = {
    turn: turnFault(recorded, expected),
    'model call': modelCallFault(recorded, expected),
    'tool call': toolCallFault(recorded, expected),
    errors: errorsFault(recorded, expected),
  }
  return Object.fromEntries(Object.entries(found).filter(([, fault]) => fault !== undefined))
}

function turnFault({ spans }: Recorded, { outcome, errors }: Expected): string | undefined {
  const turns = spans.filter((span) => isTurn(span, spans))
  const [turn] = turns
  if (turn === undefined || turns.length > 1) return `${turns.length} turns instead of 1`
  const { attributes } = turn
  return (
    difference('outcome', attributes['turnlog.turn.outcome'], outcome) ??
    (outcome === 'failed' && attributes['error.type'] === undefined
      ? `a failed turn without a type of ${errors[0]}`
      : undefined)
  )
}

function modelCallFault(recorded: Recorded, expected: Expected): string | undefined {
  const calls = modelCallsOf(recorded)
  const given = calls.map(({ attributes }) => ({
    attempts: attributes['turnlog.model_call.attempt'],
    ended: endOf(attributes),
  }))
  return (
    difference('model calls', given, expected.modelCalls) ??
    (calls.every((call) => isInTurn(call, recorded))
      ? undefined
      : 'a model call is outside the turn')
  )
}

function endOf(attributes: RecordedSpan['attributes']): string | undefined {
  if (attributes['turnlog.aborted'] === true) return 'aborted'
  return attributes['error.type'] === undefined ? undefined : 'failed'
}

function toolCallFault(recorded: Recorded, { inputs, errors }: Expected): string | undefined {
  const calls = recorded.spans.filter(isToolCall)
  const mayFail = errors.includes('tool_call')
  for (const { attributes, statusMessage } of calls) {
    const type = attributes['error.type']
    if (!mayFail && type !== undefined) return `error type: ${type}`
    if (!mayFail) continue
    if (type === undefined) return 'a failed tool call without an error type'
    const said =
      statusMessage === '' ? String(attributes['gen_ai.tool.call.result']) : statusMessage
    if (!said.includes(failures.tool)) return `message: ${said}`
  }
  const given = calls.map(({ attributes }) => parsed(attributes['gen_ai.tool.call.arguments']))
  return difference(
    'tool calls',
    given.map(textOf).toSorted(byText),
    inputs.map(textOf).toSorted(byText),
  )
}

function errorsFault(recorded: Recorded, { errors }: Expected): string | undefined {
  return difference('errors', errorsIn(recorded).toSorted(byText), errors)
}

/** The kinds of the rows in the view `errors`. */
function errorsIn(recorded: Recorded): string[] {
  const { spans, logs } = recorded
  const exceptions = logs.filter(
    ({ event, attributes }) =>
      event === 'exception' && attributes['turnlog.error.origin'] !== 'tool',
  )
  const failed = spans.filter(
    ({ status, attributes }) =>
      (status === 2 || attributes['error.type'] !== undefined) &&
      attributes['turnlog.aborted'] !== true &&
      attributes['turnlog.error.repeated'] !== true,
  )
  return [...exceptions.map(() => 'exception'), ...failed.map((span) => kindOf(span, recorded))]
}

function kindOf(span: RecordedSpan, recorded: Recorded): string {
  if (isToolCall(span)) return 'tool_call'
  if (modelCallsOf(recorded).includes(span)) return 'model_call'
  return isTurn(span, recorded.spans) ? 'turn' : span.name
}

function textOf(value: unknown): string {
  return JSON.stringify(value ?? null)
}

function byText(one: string, other: string): number {
  return one.localeCompare(other)
}

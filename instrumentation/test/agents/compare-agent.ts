/** Compares what a command-line agent has recorded with the script: its turn, three model calls, two tool calls and their file. */
import type { ChangeStore } from '../../src/changes/store.ts'
import {
  aspects,
  difference,
  hasFailed,
  isInTurn,
  isToolCall,
  modelCallsOf,
  nameOf,
  type RecordFaults,
} from '../packages/compare-records.ts'
import { scenario } from '../packages/scenario.ts'
import { isTurn, textOf } from '../support/chat.ts'
import type { Recorded, RecordedSpan } from '../support/recorded.ts'
import { script } from './script.ts'

/** `session`: in a terminal, several turns. */
export const agentAspects = [...aspects, 'session'] as const
export type AgentAspect = (typeof agentAspects)[number]

export interface Expected {
  /** How often the model has answered. */
  readonly calls: number
  /** The prompts of further turns. */
  readonly others: readonly string[]
}

/** By aspect, the first thing that is not as the script has it. */
export function faultsOf(recorded: Recorded, store: ChangeStore, expected: Expected): RecordFaults {
  const found = {
    turn: turnFault(recorded, expected),
    'model call': modelCallFault(recorded, expected),
    tokens: tokensFault(recorded, expected),
    'tool call': toolCallFault(recorded),
    files: fileFault(recorded, store),
  }
  return Object.fromEntries(Object.entries(found).filter(([, fault]) => fault !== undefined))
}

function promptOf(turn: RecordedSpan): string | undefined {
  return textOf(turn, 'gen_ai.input.messages')
}

function turnFault(recorded: Recorded, { others }: Expected): string | undefined {
  const { spans, logs } = recorded
  const turns = spans.filter(isTurn)
  const [prompt] = script.prompts
  const turn = turns.find((each) => promptOf(each) === prompt)
  const { attributes } = turn ?? {}
  return (
    difference('prompts', turns.map(promptOf).toSorted(), [prompt, ...others].toSorted()) ??
    difference('answer', textOf(turn, 'gen_ai.output.messages'), script.answer) ??
    difference('outcome', attributes?.['turnlog.turn.outcome'], 'completed') ??
    difference('inferred', attributes?.['turnlog.turn.inferred'], true) ??
    difference('outside', outsideOf(recorded), []) ??
    difference('spans with an error', spans.filter(hasFailed).map(nameOf), []) ??
    difference('exceptions', logs.filter(({ event }) => event.includes('exception')).length, 0)
  )
}

/** What is recorded in no turn. */
function outsideOf(recorded: Recorded): readonly string[] {
  return recorded.spans.filter((span) => !isInTurn(span, recorded)).map(nameOf)
}

function modelCallFault(recorded: Recorded, expected: Expected): string | undefined {
  const calls = modelCallsOf(recorded)
  const answers = calls.map(({ attributes }) => attributes['gen_ai.response.finish_reasons'])
  return (
    difference('model calls', calls.length, expected.calls) ??
    (answers.every(Array.isArray) ? undefined : 'no finish reason') ??
    difference('last answer', textOf(calls.at(-1), 'gen_ai.output.messages'), script.answer)
  )
}

/** Each call has the same usage; the turns have the sums. */
function tokensFault({ spans }: Recorded, { calls }: Expected): string | undefined {
  const sumOf = (name: string): number =>
    spans.filter(isTurn).reduce((sum, { attributes }) => sum + Number(attributes[name]), 0)
  const { input, output } = scenario.usage
  return (
    difference('input', sumOf('gen_ai.usage.input_tokens'), input * calls) ??
    difference('output', sumOf('gen_ai.usage.output_tokens'), output * calls)
  )
}

function toolCallFault(recorded: Recorded): string | undefined {
  const calls = recorded.spans.filter(isToolCall)
  if (calls.length !== 2) return `${calls.length} tool calls instead of 2`
  for (const { attributes } of calls) {
    const given = String(attributes['gen_ai.tool.call.arguments'])
    if (!/greeting/.test(given)) return `arguments: ${given}`
    if (attributes['gen_ai.tool.call.result'] === undefined) return 'no result'
    if (attributes['turnlog.tool_call.unfinished'] === true) return 'unfinished'
  }
  return undefined
}

function fileFault({ spans }: Recorded, store: ChangeStore): string | undefined {
  const changes = store.recent({ limit: 100 }).map(({ change }) => change)
  const [first, second] = changes.toSorted((a, b) => (a.startedAt < b.startedAt ? -1 : 1))
  if (first === undefined || second === undefined || changes.length > 2) {
    const paths = changes.map(({ opType, path }) => `${opType} ${path}`)
    return `${changes.length} file operations instead of 2: ${paths.join(', ')}`
  }
  const contentOf = (state: string | null | undefined) => store.content(state ?? '')?.toString()
  const { file, written, added } = script
  return (
    difference('paths', [first.path, second.path], [file, file]) ??
    difference('operations', [first.opType, second.opType], ['create', 'edit']) ??
    difference('content', contentOf(first.after), written) ??
    difference('content before the command', contentOf(second.before), written) ??
    difference('content after the command', contentOf(second.after), written + added) ??
    difference('below', [first, second].map(parentOf), ['a tool call', 'a tool call'])
  )

  function parentOf({ opId }: { readonly opId: string }): string {
    const operation = spans.find(
      ({ attributes }) => attributes['turnlog.file_operation.id'] === opId,
    )
    const parent = spans.find(({ spanId }) => spanId === operation?.parentSpanId)
    return parent !== undefined && isToolCall(parent) ? 'a tool call' : (parent?.name ?? 'nothing')
  }
}

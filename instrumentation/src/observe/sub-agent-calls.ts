/**
 * Model calls of a sub-agent: made in the execution of a tool call, with a conversation of their own. They are recorded below that
 * call, and neither the turn's prompt nor its answer is theirs. An inferred tool call has no async context, so the call is told
 * by what the request says. Without certainty a call is the turn's.
 */
import type { Context } from '@opentelemetry/api'
import type { ModelApi } from '../models/model-api.ts'
import { innermost } from '../record/call-of-file.ts'
import type { Candidate } from '../record/candidate.ts'
import { runningCall } from '../record/running-call.ts'
import type { ToolCall } from '../record/tool-call.ts'
import { isRepeated } from './turns-meant.ts'

export interface CallInTurn {
  readonly api: Pick<ModelApi, 'asked'>
  /** The whole body of the request. */
  readonly body: Uint8Array
  readonly turn: Candidate
  /** The open tool calls whose results it brings. */
  readonly answered: readonly ToolCall[]
  readonly active: Context
}

/** The open tool call that the model call is a part of. */
export function callAround({
  api,
  body,
  turn,
  answered,
  active,
}: CallInTurn): ToolCall | undefined {
  const all = [...turn.openTools.values()]
  // Who is sent the result of a tool has asked for it.
  if (answered.length > 0) {
    const [around, ...others] = new Set(answered.map(({ parent }) => parent))
    return others.length === 0 && around !== undefined && all.includes(around) ? around : undefined
  }
  if (all.length === 0) return undefined
  const running = runningCall(active, all)
  if (running !== undefined) return running
  const asked = api.asked(body)
  if (asked === undefined) return undefined
  const [naming, ...otherNaming] = all.filter((call) => call.arguments.names(asked.text))
  if (naming !== undefined) return otherNaming.length === 0 ? naming : undefined
  const [only, ...others] = innermost(all)
  const outer = turn.modelRequest === undefined ? undefined : api.asked(turn.modelRequest)
  // A title or a check, which an app asks for besides, has the user's text in it.
  const isOther = outer !== undefined && isRepeated(outer.text, body) === false
  return others.length === 0 && isOther ? only : undefined
}

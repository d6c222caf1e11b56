/**
 * Records a person's decisions about tool calls that a model has asked for. A decision comes in a later request of the app, or
 * in the result that the model is sent; it is recorded as a decision of its tool call. Requests are read only while calls
 * are open, and only if they are short (`Candidate.requestText`).
 */
import { ROOT_CONTEXT, trace } from '@opentelemetry/api'
import { type AttributeName, severity } from '@turnlog/conventions'
import { defined, parseJson } from '@turnlog/conventions/plain'
import type { ToolResult } from '../models/model-api.ts'
import { countLater, findResult } from '../models/tool-results.ts'
import { type ApprovalReader, Candidate } from '../record/candidate.ts'
import type { Recorder } from '../record/recorder.ts'
import type { ToolCall } from '../record/tool-call.ts'
import type { InferredCall, ToolCalls } from '../record/tool-calls.ts'
import {
  decisionInPath,
  decisionsIn,
  isRefusal,
  type ToolDecision,
} from '../record/tool-decisions.ts'
import { chatRequestIn, conversationOf, isRepeated } from './turns-meant.ts'

export interface Approvals extends ApprovalReader {
  /** The model is sent the results of `calls`. */
  answered(calls: readonly ToolCall[], results: readonly ToolResult[]): void
  /** Whether the model call with this body, which brings the results that `earlier` waits for, is for `candidate`. */
  isFor(candidate: Candidate, earlier: Candidate, body: Uint8Array): boolean
}

export function createApprovals({
  recorder,
  toolCalls,
}: {
  readonly recorder: Pick<Recorder, 'logger'>
  readonly toolCalls: ToolCalls
}): Approvals {
  const record = (decisions: readonly ToolDecision<ToolCall>[]): void =>
    recordDecisions(recorder, decisions)

  return {
    continued(candidate, calls) {
      const decisions = decisionsOf(candidate, calls)
      record(decisions)
      noteApproved(candidate, decisions)
    },

    /** If a request approves a call by its id, what it has run belongs to that call. */
    read(candidate) {
      if (toolCalls.size === 0) return
      const calls = callsNamedBy(candidate, toolCalls)
      const named = new Set(calls.map(({ call }) => call))
      if (named.size === 0) return
      const decisions = decisionsOf(candidate, [...named])
      record(decisions)
      const accepted = new Set(
        decisions.flatMap(({ call, type }) => (type === 'accept' ? call : [])),
      )
      const owners = new Set(calls.flatMap(({ call, owner }) => (accepted.has(call) ? owner : [])))
      const [owner, ...others] = owners
      noteApproved(candidate, decisions)
      if (owner instanceof Candidate && others.length === 0 && candidate.canContinue(owner)) {
        candidate.continueTurn(owner)
      }
    },

    /**
     * Queues pass async contexts on, so a model call may be made in the context of a request that it has nothing to do with.
     * If the request has a new message, the call's own messages contain it. If it only approves, it names the same
     * conversation, or has a person's decision.
     */
    isFor(candidate, earlier, body) {
      const { prompt } = chatRequestIn(candidate)
      if (isRepeated(prompt, body) !== false) return true
      const conversation = conversationOf(candidate)
      const isSame = conversation !== undefined && conversation === conversationOf(earlier)
      return isSame || decisionsOf(candidate, [...earlier.openTools.values()]).length > 0
    },

    answered(calls, results) {
      const decisions = calls.flatMap((call, index) => {
        const result = findResult(results, call, countLater(calls, index))
        if (result === undefined || !isRefusal(result)) return []
        return [{ call, type: 'reject', reason: result.content } as const]
      })
      record(decisions)
    },
  }
}

function recordDecisions(
  { logger }: Pick<Recorder, 'logger'>,
  decisions: readonly ToolDecision<ToolCall>[],
): void {
  for (const { call, type, reason } of decisions) {
    if (call.isDecided) continue
    call.isDecided = true
    logger.emit({
      eventName: 'turnlog.tool.decision',
      severityNumber: severity.info,
      context: trace.setSpan(ROOT_CONTEXT, call.span),
      attributes: defined({
        'gen_ai.tool.name': call.name,
        'gen_ai.tool.call.id': call.id,
        'turnlog.decision.type': type,
        'turnlog.decision.source': 'user',
        'turnlog.decision.reason': reason,
      } satisfies { [Name in AttributeName]?: string | undefined }),
    })
  }
}

/** The open calls whose ids are in the request. If several calls have the same id, it is not known which of them is meant. */
function callsNamedBy(candidate: Candidate, toolCalls: ToolCalls): InferredCall[] {
  const text = `${candidate.path} ${candidate.requestText}`
  const open = [...toolCalls.openCalls()]
  return open.filter(
    ({ id, key }) =>
      id !== undefined &&
      text.includes(id) &&
      open.every((other) => other.id !== id || other.key === key),
  )
}

/** Notes the approved call: what the request does before it calls the model belongs to that call. */
function noteApproved(candidate: Candidate, decisions: readonly ToolDecision<ToolCall>[]): void {
  const accepted = new Set(decisions.flatMap(({ call, type }) => (type === 'accept' ? call : [])))
  const [only] = accepted
  if (accepted.size === 1) candidate.approvedCallId = only?.id
}

function decisionsOf(candidate: Candidate, calls: readonly ToolCall[]): ToolDecision<ToolCall>[] {
  const { requestText = '', contentType = '', path } = candidate
  const inPath = path === undefined ? [] : decisionInPath(path, calls)
  const request = formTypes.test(contentType)
    ? Object.fromEntries(new URLSearchParams(requestText))
    : (parseJson(requestText) ?? requestText)
  // If the path names a call, the body is about that one.
  const segments = path?.split(/[/?&=]/) ?? []
  const meant = calls.filter(({ id }) => id && segments.includes(encodeURIComponent(id)))
  return [...inPath, ...decisionsIn(request, meant.length > 0 ? meant : calls)]
}

const formTypes = /^\s*application\/x-www-form-urlencoded\b/i

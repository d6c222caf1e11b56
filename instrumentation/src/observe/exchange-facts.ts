/** What the parts of an exchange with a model API are given: the product's parts, and what is known when it begins. */
import type { Context, Span } from '@opentelemetry/api'
import type { ModelApi } from '../models/model-api.ts'
import type { Candidate } from '../record/candidate.ts'
import type { OpenCandidates } from '../record/open-candidates.ts'
import type { Recorder } from '../record/recorder.ts'
import type { ApiToolCall } from '../record/tool-call.ts'
import type { ToolCalls } from '../record/tool-calls.ts'
import type { UnseenWork } from '../record/unseen-work.ts'
import type { WaitingTurns } from '../record/waiting-turns.ts'
import type { WireCalls } from '../record/wire-calls.ts'
import type { Approvals } from './approvals.ts'
import type { BackgroundAnswers } from './background-answers.ts'
import type { InferredTurns } from './inferred-turns.ts'
import type { KeptConversations } from './kept-conversations.ts'
import type { ProcessEnds } from './process-ends.ts'
import type { FailedCall, RetriedCalls } from './retried-calls.ts'
import type { TurnTraces } from './turn-traces.ts'

export interface ExchangeDependencies {
  readonly recorder: Recorder
  readonly toolCalls: ToolCalls
  readonly waitingTurns: WaitingTurns
  readonly approvals: Approvals
  readonly open: OpenCandidates
  readonly inferredTurns: InferredTurns
  readonly keptConversations: KeptConversations
  readonly backgroundAnswers: BackgroundAnswers
  readonly wireCalls: WireCalls
  readonly traces: Pick<TurnTraces, 'adoptAround' | 'hasFreeRoot' | 'requestOf'>
  readonly unseen: UnseenWork
  /** A model has sent a part of its answer: tools may run soon. */
  readonly modelAnswers: () => void
  readonly retries: RetriedCalls
  /** Exchanges that are not over. */
  readonly inFlight: ProcessEnds
  /** Milliseconds since 1970. */
  readonly now: () => number
  /** Milliseconds, monotonic. */
  readonly clock: () => number
}

export interface ExchangeFacts {
  readonly api: ModelApi
  readonly url: string
  /** By `clock`. */
  readonly startedAt: number
  /** The same, in milliseconds since 1970. */
  readonly at: number
  readonly span: Span
  /** Whether the span was opened for this exchange, and ends with it. */
  readonly isOwn: boolean
  /** Counts the exchanges of the span from 1. */
  readonly number: number
  /** The turn in whose context it is made. */
  readonly candidate: Candidate | undefined
  /** The request in whose context it is made. */
  readonly request: Candidate | undefined
  /** The tool call, reported by the app, that it is made in. */
  readonly apiCall: ApiToolCall | undefined
  readonly active: Context
  /** The call of which it is another attempt. */
  readonly failed?: FailedCall | undefined
}

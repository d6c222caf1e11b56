/** What is known of a candidate when it opens. */
import type { Context, Link } from '@opentelemetry/api'
import type { TurnTransport } from '@turnlog/conventions'
import type { Candidate } from './candidate.ts'

export interface CandidateFacts {
  /** `undefined`: it is not known, since the app declares a turn that did not come in on a server. */
  readonly transport?: TurnTransport | undefined
  /** Milliseconds since 1970. */
  readonly startedAt: number
  readonly method?: string | undefined
  readonly path?: string | undefined
  /** Path and query, as they were sent. */
  readonly url?: string | undefined
  readonly headers?: Readonly<Record<string, unknown>> | undefined
  readonly contentType?: string | undefined
  readonly traceparent?: string | undefined
  /**
   * If it is a sub-agent: the context of its work in another turn, and that turn unless it is another process's. Its span is then
   * a child, not a root.
   */
  readonly within?:
    | { readonly candidate?: Candidate | undefined; readonly context: Context }
    | undefined
  /** No server and no declaration shows where it begins: a model call does. */
  readonly isInferred?: boolean | undefined
  /** Spans it comes from without being part of them. */
  readonly links?: readonly Link[] | undefined
  /** Whether the release of the last hold is the end of the work, or the end must be guessed from silence. */
  readonly endIsKnown: boolean
  /** Called when the candidate becomes a turn. */
  readonly onTurn?: (() => void) | undefined
  /** Called when the turn has ended. */
  readonly onEnd?: (() => void) | undefined
}

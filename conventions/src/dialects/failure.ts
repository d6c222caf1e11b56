/**
 * Reads why an ended span failed, in any dialect. Most dialects have an event of the span for the exception. Some have attributes of
 * their own, and some have only the status. Pure.
 */
import type { AttributeName } from '../names/attributes.ts'

export interface EndedSpanFacts {
  readonly get: (attribute: string) => unknown
  /** OpenTelemetry's status: 2 is an error. */
  readonly status: { readonly code: number; readonly message?: string | undefined } | undefined
  readonly events: readonly {
    readonly name: string
    readonly get: (attribute: string) => unknown
  }[]
}

export interface ToldFailure {
  /** `error.type`: the class of an exception, a status or a code; `_OTHER` if the span only says that it failed. */
  readonly type: string
  readonly message: string | undefined
  /** Its user, or the app, has stopped it: that is no error. */
  readonly isAborted: boolean
}

const errorStatus = 2

/** `undefined`: the span has not failed. */
export function toldFailure({ get, status, events }: EndedSpanFacts): ToldFailure | undefined {
  const given = textOf(get('error.type' satisfies AttributeName))
  const own = ownFailure(get)
  if (status?.code !== errorStatus && given === undefined && own === undefined) return undefined
  const exception = events.findLast(({ name }) => name === 'exception')
  const type = given ?? textOf(exception?.get('exception.type')) ?? own?.type ?? '_OTHER'
  const message =
    textOf(status?.message) ?? textOf(exception?.get('exception.message')) ?? own?.message
  return { type, message, isAborted: isAbort(type) }
}

/** How the APIs of JavaScript and the SDKs of models call it that a request was stopped. */
export function isAbort(type: string): boolean {
  return /^(?:AbortError|ABORT_ERR|APIUserAbortError|CanceledError|ERR_CANCELED)$/.test(type)
}

/** Langfuse and Genkit say it in attributes. */
function ownFailure(get: EndedSpanFacts['get']) {
  if (get('langfuse.observation.level') === 'ERROR') {
    return { type: undefined, message: textOf(get('langfuse.observation.status_message')) }
  }
  if (get('genkit:state') === 'error') return { type: undefined, message: undefined }
  return undefined
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}

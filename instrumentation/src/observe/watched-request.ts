/**
 * What the observers of `node:http` and `node:http2` share: how a request or a response of the host is watched, and which of
 * their bodies may hold a prompt or an answer.
 */
import type { Context } from '@opentelemetry/api'
import { quietly } from '../health.ts'
import type { Candidate } from '../record/candidate.ts'
import { contexts, requestOf, runIn } from '../record/contexts.ts'
import { type Method, replaceMethod } from './replace-method.ts'

const answerTypes = /^(application\/(.*\+)?(json|x-ndjson|jsonl)|text\/)/i
const promptTypes = /^(application\/(.*\+)?json|text\/|application\/x-www-form-urlencoded)/i

/** Whether a body of this type can hold a prompt. */
export function holdsPrompt(contentType: string | undefined): boolean {
  return contentType !== undefined && promptTypes.test(contentType)
}

/** Whether an answer with these headers can hold a text. */
export function holdsAnswer({
  type,
  encoding,
}: {
  readonly type: string | undefined
  readonly encoding: string | undefined
}): boolean {
  return encoding === undefined && (type === undefined || answerTypes.test(type))
}

/** A request or a response under observation. */
export interface Watched {
  /** The context that its events run in. */
  readonly inside: Context
  readonly candidate: Candidate
  /** Sees each event before the host does. */
  see(event: unknown, value: unknown): void
}

const Given = function givenObject(object: object): object {
  return object
} as unknown as new (
  object: object,
) => object

/**
 * Attaches a `Watched` to an object of the host, unseen by the host: as a private field, added by a constructor whose
 * base returns that object. A `WeakMap` would do the same, but doubles what a small request costs, in garbage collection.
 */
export class WatchedNote extends Given {
  #watched: Watched
  constructor(object: object, watched: Watched) {
    super(object)
    this.#watched = watched
  }
  static read(object: object): Watched | undefined {
    return #watched in object ? object.#watched : undefined
  }
}

/** Sees every event of a watched emitter and runs it in its context; the listeners and their order do not change. */
export function watchEvents(original: Method): Method {
  return function emit(...values) {
    const known = WatchedNote.read(this as object)
    if (known === undefined) return original.apply(this, values)
    quietly('see an event of a request', () => known.see(values[0], values[1]))
    if (requestOf(contexts.active()) === known.candidate) return original.apply(this, values)
    return runIn(known.inside, () => original.apply(this, values))
  }
}

/** Records what is sent to the user if it is text: it shows which model call gave the answer, and may name the conversation. */
export function keepAnswer(
  response: object,
  { candidate, isTextual }: { readonly candidate: Candidate; readonly isTextual: () => boolean },
): void {
  let isText: boolean | undefined
  const keep = (chunk: unknown): void => {
    if (isText === false || (typeof chunk !== 'string' && !(chunk instanceof Uint8Array))) return
    isText ??= isTextual()
    if (isText) candidate.response(chunk)
  }
  for (const name of ['write', 'end']) {
    replaceMethod(response, name, (original) => {
      return function (...values) {
        quietly('keep an answer', () => keep(values[0]))
        return original.apply(this, values)
      }
    })
  }
}

/** Turns, model calls, tool calls and file operations that have begun and not ended, according to the journal. Pure. */
import { type AttributeName, instrumentationScope } from '@turnlog/conventions'
import { isObject } from '@turnlog/conventions/plain'
import type { JournaledSpan } from '../journal/span-head.ts'
import type { Notes } from './span-kind.ts'

export class OpenStarts {
  /** By span id, in the order they began. */
  readonly #spans = new Map<string, JournaledSpan>()
  /** What an observer had noted when the start was written. */
  readonly #notes = new Map<string, Notes>()

  get size(): number {
    return this.#spans.size
  }

  /** A `start` record. A second one for the same span replaces the first, in its position. */
  begin(head: unknown): void {
    if (!isObject(head) || typeof head.id !== 'string' || !isObject(head.span)) return
    // Written by `span-writer.ts`, and the checksum of its record was right.
    this.#spans.set(head.id, head.span as unknown as JournaledSpan)
    if (isObject(head.n)) this.#notes.set(head.id, head.n)
  }

  end(id: string): void {
    this.#spans.delete(id)
    this.#notes.delete(id)
  }

  notes(id: string): Notes {
    return this.#notes.get(id) ?? {}
  }

  /**
   * A file's header, which lists every open start. Returns the ids it does not list: those spans ended in a file or a record
   * that is missing.
   */
  replace(open: readonly unknown[]): readonly string[] {
    const before = this.ids()
    this.#spans.clear()
    this.#notes.clear()
    for (const head of open) this.begin(head)
    return before.filter((id) => !this.#spans.has(id))
  }

  has(id: string): boolean {
    return this.#spans.has(id)
  }

  ids(): string[] {
    return [...this.#spans.keys()]
  }

  /** In the order they began. */
  list(): readonly JournaledSpan[] {
    return [...this.#spans.values()]
  }

  /** It is part of another record that is open, or is: a turn may be part of one of another process. */
  isPart({ spanId, traceId, parentSpanId = '', ...span }: JournaledSpan): boolean {
    if (isOwnTurn(span)) return this.has(parentSpanId)
    if (parentSpanId !== '') return true
    // Its parent was found after it had begun.
    return this.list().some(
      (other) => other.spanId !== spanId && other.traceId === traceId && isOwnTurn(other),
    )
  }

  /** The ids of the open turns of a trace. */
  turnsOf(traceId: string): string[] {
    const turns = this.list().filter((span) => span.traceId === traceId && isTurn(span))
    return turns.map(({ spanId }) => spanId)
  }
}

export function operationOf(span: Pick<JournaledSpan, 'attributes'>): unknown {
  return span.attributes['gen_ai.operation.name' satisfies AttributeName]
}

export function isTurn(span: Pick<JournaledSpan, 'attributes'>): boolean {
  return operationOf(span) === 'invoke_agent'
}

function isOwnTurn(span: Pick<JournaledSpan, 'attributes' | 'scope'>): boolean {
  return isTurn(span) && span.scope.name === instrumentationScope
}

/** Turns, model calls and tool calls that have begun and not ended, as the journal tells. Pure. */

import type { AttributeName } from '@turnlog/conventions'
import { isObject } from '@turnlog/conventions/plain'
import type { JournaledSpan } from '../journal/span-head.ts'

export interface OpenStart {
  readonly span: JournaledSpan
}

export type OpenStarts = ReturnType<typeof createOpenStarts>

export function createOpenStarts() {
  const starts = new Map<string, OpenStart>()

  function begin(head: unknown): void {
    if (!isObject(head) || typeof head.id !== 'string' || !isObject(head.span)) return
    // One that is told again has changed what is known of it, and keeps its place. Written by `processor.ts`, and held by the record's checksum.
    starts.set(head.id, { span: head.span as unknown as JournaledSpan })
  }

  return {
    begin,
    end: (id: string): boolean => starts.delete(id),
    /** A file's header knows best: what it does not name has ended, in a file or a record that is gone. Returns those. */
    replace(open: readonly unknown[]): readonly string[] {
      const before = [...starts.keys()]
      starts.clear()
      for (const head of open) begin(head)
      return before.filter((id) => !starts.has(id))
    },
    get size() {
      return starts.size
    },
    has: (id: string): boolean => starts.has(id),
    /** The ids of the open turns of a trace. */
    turnsOf: (traceId: string): string[] =>
      [...starts.values()]
        .filter(({ span }) => span.traceId === traceId && isTurn(span))
        .map(({ span }) => span.spanId),
    ids: (): string[] => [...starts.keys()],
    /** In the order they began. */
    list: (): readonly OpenStart[] => [...starts.values()],
  }
}

export function operationOf(span: JournaledSpan): unknown {
  return span.attributes['gen_ai.operation.name' satisfies AttributeName]
}

export function isTurn(span: JournaledSpan): boolean {
  return operationOf(span) === 'invoke_agent'
}

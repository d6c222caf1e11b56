/**
 * Two span processors around the reports of threads and processes (`record/child-report.ts`). One reports the file operations
 * that this thread records for an owner of another thread or process, so that a comparison of the workspace does not count
 * them again. An operation is in the journal before it is in the report. The other processor ends what this thread has
 * handed over.
 */
import type { Span } from '@opentelemetry/api'
import type { ReadableSpan, SpanProcessor } from '@opentelemetry/sdk-trace'
import { quietly } from '../health.ts'
import { type ChildReports, reportFiles, reportsOf } from '../record/child-report.ts'
import type { InheritedOwner } from '../record/inherited-owner.ts'
import type { Recorder } from '../record/recorder.ts'

export interface FileReportOptions {
  readonly spoolDirectory: string
  /** What this process has inherited from another one. */
  readonly owner: InheritedOwner | undefined
}

export function createFileReports(
  note: Recorder['note'],
  { spoolDirectory, owner }: FileReportOptions,
) {
  const files = new WeakMap<object, readonly string[]>()

  /** A child process reports all its operations to its parent; a thread reports those that have an owner elsewhere. */
  function reportsFor({ parentSpanContext: parent }: ReadableSpan): string | undefined {
    if (owner !== undefined) return owner.reports
    return parent?.isRemote ? reportsOf(spoolDirectory, parent.traceId) : undefined
  }

  return {
    processor: atEnd((span) => {
      const changed = files.get(span)
      const reports = changed && reportsFor(span)
      if (reports !== undefined) reportFiles(reports, changed ?? [])
    }),
    note(span: Span, notes: Parameters<Recorder['note']>[1]): void {
      const { absolutePath, previousAbsolutePath } = notes
      if (typeof absolutePath === 'string') {
        const previous = typeof previousAbsolutePath === 'string' ? [previousAbsolutePath] : []
        files.set(span, [absolutePath, ...previous])
      }
      note(span, notes)
    },
  }
}

/** When a tool call or turn ends, child processes that were started in it have no owner any more. */
export function endsOwners(reports: Pick<ChildReports, 'ended'>): SpanProcessor {
  return atEnd((span) => {
    const { traceId, spanId } = span.spanContext()
    const operation = span.attributes['gen_ai.operation.name']
    const isAgent = operation === 'invoke_agent'
    const isTurn = isAgent && span.parentSpanContext === undefined
    if (isAgent || operation === 'execute_tool') reports.ended(traceId, spanId, { isTurn })
  })
}

function atEnd(step: (span: ReadableSpan) => void): SpanProcessor {
  return {
    onStart: () => undefined,
    onEnd: (span) => quietly('follow the end of a span', () => step(span)),
    forceFlush: async () => undefined,
    shutdown: async () => undefined,
  }
}

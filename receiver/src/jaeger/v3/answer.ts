/** Answers of Jaeger's v3 API. */
import type { TraceSummary } from '../../storage/queries/trace-summaries.ts'
import { spansMax, spansOf } from '../read/read-trace.ts'
import type { TracesOptions } from '../read/shown-span.ts'
import { unknownService } from '../read/span.ts'
import { openResourceSpans } from './span.ts'

export function v3Failure(status: number, message: string): object {
  return { error: { httpCode: status, message } }
}

/** The answer as text; each trace is read when its turn comes, until no more spans may be shown. */
export async function* v3Traces(options: TracesOptions): AsyncGenerator<string> {
  const { linkTo, isRaw, traces, ...read } = options
  const resourceSpans = openResourceSpans()
  let before = '{"result":{"resourceSpans":['
  let spansLeft = spansMax
  for await (const trace of traces) {
    // A trace that no longer fits is left out, with all older ones: the client can search for less.
    if (trace.keys.length > spansLeft) break
    spansLeft -= trace.keys.length
    const parents = isRaw ? undefined : trace.parents
    for await (const spans of spansOf(trace, read)) {
      yield before + spans.map((span) => resourceSpans.add(span, { linkTo, parents })).join('')
      before = ''
    }
  }
  yield `${before}${resourceSpans.end()}]}}`
}

export function toV3Summary(summary: TraceSummary): object {
  return {
    traceId: summary.traceId,
    rootServiceName: summary.rootServiceName ?? unknownService,
    rootOperationName: summary.rootOperationName,
    minStartTimeUnixNano: summary.start,
    maxEndTimeUnixNano: summary.end,
    spanCount: summary.spans,
    errorSpanCount: summary.failed,
    orphanSpanCount: summary.orphans,
    services: summary.services.map(({ name, spans, failed }) => ({
      name: name ?? unknownService,
      spanCount: spans,
      errorSpanCount: failed,
    })),
  }
}

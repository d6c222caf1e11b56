/** Answers of Jaeger's v1 API: the envelope, and traces in it, written piece by piece. */
import { firstSpans } from '../../storage/queries/spans-by-key.ts'
import type { ContentBudget } from '../read/content-budget.ts'
import { spansMax, spansOf, type Trace } from '../read/read-trace.ts'
import type { ReadOptions } from '../read/reader.ts'
import type { LinkTo, TracesOptions } from '../read/shown-span.ts'
import { openSpanReader } from '../read/span.ts'
import { openProcesses, toV1Span } from './span.ts'

export interface V1Error {
  readonly code?: number
  readonly msg: string
  readonly traceID?: string
}

export function v1Failure(status: number, message: string): object {
  const errors: readonly V1Error[] = [{ code: status, msg: message }]
  return { data: null, total: 0, limit: 0, offset: 0, errors }
}

export const traceNotFound = 'trace not found'

/** The answer as text; each trace is read when its turn comes. */
export async function* v1Traces(
  options: TracesOptions & {
    /** Complete when all traces have been read. */
    readonly errors: readonly V1Error[]
  },
): AsyncGenerator<string> {
  const { traces, errors, ...show } = options
  let before = '{"data":['
  for await (const trace of traces) {
    let isFirst = true
    for await (const piece of v1Trace(trace, show)) {
      yield isFirst ? before + piece : piece
      isFirst = false
    }
    if (!isFirst) before = ','
  }
  const shown = errors.length === 0 ? 'null' : JSON.stringify(errors)
  yield `${before === ',' ? '' : before}],"total":0,"limit":0,"offset":0,"errors":${shown}}`
}

/** Nothing when the spans have been deleted meanwhile: a trace without spans makes Grafana fail. */
async function* v1Trace(
  trace: Trace,
  options: Omit<TracesOptions, 'traces'>,
): AsyncGenerator<string> {
  const { linkTo, isRaw, contents, ...read } = options
  const processes = openProcesses()
  const parents = isRaw ? undefined : trace.parents
  let before = `{"traceID":"${trace.traceId}","spans":[`
  for await (const shown of spansOf(trace, { ...read, contents })) {
    yield before + shown.map((span) => toV1Span(span, { processes, linkTo, parents })).join(',')
    before = ','
  }
  if (before !== ',') return
  const warnings = JSON.stringify(warningsOf(trace, contents))
  yield `],"processes":${processes.toJson()},"warnings":${warnings === '[]' ? 'null' : warnings}}`
}

function warningsOf({ isCut }: Trace, contents: ContentBudget): readonly string[] {
  const warnings: string[] = []
  if (isCut) warnings.push(`the trace has more than ${spansMax} spans: the first of them are shown`)
  if (contents.isSpent()) {
    warnings.push('its contents are too much for one answer: some have only their size and a link')
  }
  return warnings
}

/** The first span of each trace, without contents: a list shows no more. */
export async function v1TraceList(
  traceIds: readonly string[],
  options: ReadOptions & { readonly linkTo: LinkTo },
): Promise<string> {
  const { database, linkTo, ...read } = options
  const rows = await firstSpans(database, { ...read, traceIds })
  const toSpan = openSpanReader()
  const traces = rows.map((row) => {
    const processes = openProcesses()
    const shown = { span: toSpan(row), find: () => 'hidden' as const }
    const span = toV1Span(shown, { processes, linkTo, parents: undefined })
    return `{"traceID":"${row.traceId}","spans":[${span}],"processes":${processes.toJson()},"warnings":null}`
  })
  return `{"data":[${traces.join(',')}],"total":0,"limit":0,"offset":0,"errors":null}`
}

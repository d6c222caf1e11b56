/** The rows that the view `errors` has of records, by their kind (`receiver/migrations/views/08-errors.sql`). */
import type { Recorded, RecordedLog, RecordedSpan } from './recorded.ts'

const kinds: Readonly<Record<string, string>> = {
  invoke_agent: 'turn',
  chat: 'model_call',
  execute_tool: 'tool_call',
}

export function errorRows({ spans, logs }: Recorded): string[] {
  const exceptions = logs.filter(
    (log) =>
      log.event === 'exception' &&
      isCounted(log) &&
      log.attributes['turnlog.error.origin'] !== 'tool',
  )
  const failed = spans.filter(
    (span) => (span.status === 2 || span.attributes['error.type'] !== undefined) && isCounted(span),
  )
  const kindOf = ({ attributes }: RecordedSpan): string =>
    kinds[String(attributes['gen_ai.operation.name'])] ?? 'span'
  return [...exceptions.map(() => 'exception'), ...failed.map(kindOf)]
}

function isCounted({ attributes }: RecordedSpan | RecordedLog): boolean {
  return attributes['turnlog.aborted'] !== true && attributes['turnlog.error.repeated'] !== true
}

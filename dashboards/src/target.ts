/** The queries of panels, in the form in which Grafana stores them: the SDK has no builder for PostgreSQL or Jaeger. */
import type { Builder, Dataquery } from '@grafana/grafana-foundation-sdk/cog'
import { jaeger, postgres } from './sources.ts'

export type Format = 'table' | 'time_series'

/** `time_series` needs a column `time`; with a text column `metric` and one number, `metric` names the series. */
export function sqlTarget(text: string, format: Format): Builder<Dataquery> {
  return target({
    datasource: postgres,
    rawSql: tidy(text),
    format,
    rawQuery: true,
    editorMode: 'code',
  })
}

export function traceTarget(traceId: string): Builder<Dataquery> {
  return target({ datasource: jaeger, query: traceId })
}

function target(members: Readonly<Record<string, unknown>>): Builder<Dataquery> {
  const query = { refId: 'A', ...members, _implementsDataqueryVariant: () => undefined }
  return { build: () => query }
}

/** Removes the indent of the surrounding source. */
export function tidy(text: string): string {
  const lines = text.replace(/^\s*\n|\s+$/g, '').split('\n')
  const indents = lines.filter((line) => line.trim() !== '').map((line) => line.search(/\S/))
  const indent = Math.min(...indents)
  return lines.map((line) => line.slice(indent)).join('\n')
}

/** Links in table cells. `column` names the column whose value becomes part of the URL. */
import { jaeger } from './sources.ts'

export interface Link {
  readonly title: string
  readonly url: string
  readonly targetBlank: boolean
}

function fieldOf(column: string): string {
  return `\${__data.fields["${column}"]}`
}

/** The turn's page at the receiver: prompt, answer, and each step with its content. */
export function turnPageLink(column: string): Link {
  return {
    title: 'The turn on the receiver’s page',
    url: `\${receiver:raw}/turns/${fieldOf(column)}`,
    targetBlank: true,
  }
}

/** The turn as a trace, in Grafana's Explore. */
export function traceLink(column: string): Link {
  const marker = '__TRACE__'
  const panes = {
    trace: {
      datasource: jaeger.uid,
      queries: [{ refId: 'A', datasource: jaeger, query: marker }],
      range: { from: 'now-1h', to: 'now' },
    },
  }
  const encoded = encodeURIComponent(JSON.stringify(panes)).replace(marker, fieldOf(column))
  return {
    title: 'The turn as a trace',
    url: `/explore?schemaVersion=1&orgId=1&panes=${encoded}`,
    targetBlank: true,
  }
}

export function sessionLink(column: string): Link {
  return {
    title: 'The session',
    url: `/d/turnlog-session?var-session=${fieldOf(column)}&\${__url_time_range}`,
    targetBlank: false,
  }
}

/** The same dashboard, with the turn's trace below. */
export function showTraceLink(column: string): Link {
  return {
    title: 'Show the trace below',
    url: `/d/turnlog-session?\${session:queryparam}&var-trace=${fieldOf(column)}&\${__url_time_range}`,
    targetBlank: false,
  }
}

/** Jaeger's query API in brief: Jaeger describes it itself, here is said that it is there. */
import type { Operation } from './operations.ts'

/** By the route's address: as it is written, and what it answers. */
export const jaegerEndpoints: Readonly<
  Record<string, readonly [address: string, summary: string]>
> = {
  '/api/services': ['/api/services', 'The services.'],
  '/api/services/*': ['/api/services/:service/operations', 'The operations of a service.'],
  '/api/operations': ['/api/operations', 'The operations of a service, with their kinds.'],
  '/api/traces': ['/api/traces', 'Traces that are searched for.'],
  '/api/traces/*': ['/api/traces/:traceID', 'One trace.'],
  '/api/dependencies': ['/api/dependencies', 'Which service calls which.'],
  '/api/v3/services': ['/api/v3/services', 'The services.'],
  '/api/v3/operations': ['/api/v3/operations', 'The operations of a service.'],
  '/api/v3/traces': ['/api/v3/traces', 'Traces that are searched for, as OTLP.'],
  '/api/v3/traces/*': ['/api/v3/traces/:trace_id', 'One trace, as OTLP.'],
  '/api/v3/trace-summaries': ['/api/v3/trace-summaries', 'Traces that are searched for, in short.'],
  '/api/v3/dependencies': ['/api/v3/dependencies', 'Which service calls which.'],
}

/** Undefined for what is not Jaeger's. */
export function jaegerEndpoint(url: string): { url: string; schema: Operation } | undefined {
  if (!url.startsWith('/api/') || url.startsWith('/api/v1/')) return undefined
  const [address, summary] = jaegerEndpoints[url] ?? [url, 'Of Jaeger’s query API.']
  return {
    url: address,
    schema: {
      tags: ['Jaeger'],
      summary,
      security: [{ token: [] }, { browser: [] }],
      response: { 200: { description: 'As Jaeger answers.' } },
    },
  }
}

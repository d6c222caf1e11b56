/** An app that makes spans with OpenTelemetry's API and has no SDK. */
import { createRequire } from 'node:module'
import { trace } from '@opentelemetry/api'
import { inTurn } from './differential/in-turn.ts'

const required: typeof import('@opentelemetry/api') = createRequire(import.meta.url)(
  '@opentelemetry/api',
)
const early = required.trace.getTracer('early')

await inTurn(async () => {
  await trace.getTracer('app').startActiveSpan('outer', async (outer) => {
    await null
    trace.getTracer('app').startSpan('inner').end()
    early.startSpan('required').end()
    trace
      .getTracer('app')
      .startActiveSpan('with options', { attributes: { a: 1 } }, (span) => span.end())
    outer.end()
  })
})

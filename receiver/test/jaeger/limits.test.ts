/** A trace with more spans than one answer shows. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { newTraceId, span } from '../../../test/support/otlp.ts'
import { spansMax } from '../../src/jaeger/read/read-trace.ts'
import { openStage, type Stage } from './stage.ts'

const large = newTraceId()
const small = newTraceId()

let stage: Stage
beforeAll(async () => {
  stage = await openStage()
  const times = (ago: number) => ({
    startTimeUnixNano: String(BigInt(Date.now() - ago) * 1_000_000n),
    endTimeUnixNano: String(BigInt(Date.now() - ago + 1) * 1_000_000n),
  })
  await stage.landSpans([span({}, { traceId: large, spanId: 'f'.repeat(16), ...times(60_000) })])
  await stage.landSpans([span({}, { traceId: small, ...times(1_000) })])
  await stage.copySpan(large, spansMax)
})
afterAll(() => stage[Symbol.asyncDispose]())

function countOf(text: string, name: string): number {
  return text.split(`"${name}":`).length - 1
}

test('its first spans are shown, with a warning', async () => {
  const text = await (await stage.get(`/api/traces/${large}`)).text()
  expect(countOf(text, 'spanID')).toBe(spansMax)
  expect(text).toContain(`"warnings":["the trace has more than ${spansMax} spans`)
})

test('in a list of whole traces it and all older traces are left out; summaries count all of its spans', async () => {
  const query = new URLSearchParams({
    'query.startTimeMin': new Date(Date.now() - 3_600_000).toISOString(),
    'query.startTimeMax': new Date().toISOString(),
  })
  const text = await (await stage.get(`/api/v3/traces?${query}`)).text()
  expect(text).toContain(small)
  expect(text).not.toContain(large)
  const { summaries } = await stage.read(`/api/v3/trace-summaries?${query}`)
  expect(summaries).toMatchObject([
    { traceId: small, spanCount: 1 },
    { traceId: large, spanCount: spansMax + 1 },
  ])
})

/** The load of both sides: bursts of spans with one long text each, like model calls, with idle time in between. */
import { setImmediate as nextTurn } from 'node:timers/promises'
import { trace } from '@opentelemetry/api'

const bytes = Number(process.env.BENCH_BYTES ?? 1_500)
const spans = Math.max(100, Math.min(3_000, Math.floor(60_000_000 / bytes)))

/** Microseconds of CPU per span, in this thread only. */
export async function recordSpans(): Promise<number> {
  const tracer = trace.getTracer('bench')
  const text = 'a line of source, as files have them;\n'
    .repeat(Math.ceil(bytes / 38))
    .slice(0, bytes)
  const texts = Array.from({ length: 50 }, (_, index) => `${index} ${text}`)
  const record = (index: number): void => {
    const span = tracer.startSpan('chat', { attributes: { 'gen_ai.request.model': 'm', index } })
    span.setAttribute('gen_ai.output.messages', texts[index % texts.length] ?? '')
    span.end()
  }
  for (let index = 0; index < spans / 10; index += 1) record(index)
  await nextTurn()
  const before = process.threadCpuUsage()
  for (let index = 0; index < spans; index += 1) {
    record(index)
    if (index % 10 === 9) await nextTurn()
  }
  await finish()
  const used = process.threadCpuUsage(before)
  return (used.user + used.system) / spans
}

let finish = async (): Promise<void> => undefined
/** Work that must finish before the measurement ends. */
export function finishWith(step: () => Promise<void>): void {
  finish = step
}

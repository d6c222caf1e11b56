/**
 * OpenTelemetry's span and log processors, writing to the journal: the SDK's spans and logs are journaled the moment they
 * end, and long strings are handed over without being escaped or copied. Nothing here throws into the SDK.
 */
import type { HrTime } from '@opentelemetry/api'
import type { LogRecordProcessor, ReadWriteLogRecord } from '@opentelemetry/sdk-logs'
import type { ReadableSpan, Span as SdkSpan, SpanProcessor } from '@opentelemetry/sdk-trace'
import { instrumentationScope } from '@turnlog/conventions'
import { quietly } from '../health.ts'
import type { Recorder } from '../record/recorder.ts'
import { describeLog, isReadable, type Shifted } from './describe-span.ts'
import { addMilliseconds, hrTimeOf, millisecondsOf, nanoseconds } from './hr-time.ts'
import type { Journal } from './journal.ts'
import { SpanWriter } from './span-writer.ts'

/** What to add to a time, both in milliseconds, if the SDK has just taken it from a clock that was set (`steady-clock.ts`). */
export type ShiftOf = (time: number) => number

export function createProcessors(journal: Journal, shiftOf: ShiftOf = () => 0) {
  const shifted = (time: HrTime): HrTime => addMilliseconds(time, shiftOf(millisecondsOf(time)))
  const writer = new SpanWriter(journal, shifted)
  const flush = async (): Promise<void> => journal.flush()
  return {
    spans: {
      ...spanEvents(writer, shifted),
      forceFlush: flush,
      shutdown: flush,
    } satisfies SpanProcessor,
    logs: {
      onEmit(record: ReadWriteLogRecord): void {
        quietly('journal a log', () => {
          const [described, contents] = describeLog(record, shifted)
          journal.append({ k: 'log', log: writer.located(described) }, contents)
        })
      },
      forceFlush: flush,
      shutdown: flush,
    } satisfies LogRecordProcessor,
    raw: rawRecorder(writer, journal),
  }
}

function spanEvents(
  writer: SpanWriter,
  shifted: Shifted,
): Pick<SpanProcessor, 'onStart' | 'onEnd'> {
  return {
    onStart(span: SdkSpan): void {
      quietly('move a start', () => {
        const start = shifted(span.startTime)
        // Only our own spans are moved apart; the times of others are not ours to change, unless their clock was set.
        if (span.instrumentationScope.name === instrumentationScope) writer.begin(span, start)
        else if (start !== span.startTime) writer.startsAt(span, start)
      })
      // Open turns, model calls and tool calls are journaled too, so that a crash can be closed.
      if (typeof span.attributes['gen_ai.operation.name'] !== 'string') return
      quietly('journal a start', () => writer.writeStart(span))
    },
    onEnd(span: ReadableSpan): void {
      quietly('journal a span', () => writer.writeEnd(span))
    },
  }
}

/** The part of `Recorder` that writes beside the spans. Nothing is accepted after a span's end. */
function rawRecorder(writer: SpanWriter, journal: Journal): Omit<Recorder, 'tracer' | 'logger'> {
  return {
    content(span, slot, value, exchange = 0) {
      if (!span.isRecording()) return
      if (slot === 'wire.response' && typeof value !== 'string') {
        writer.gatherContent(span, exchange, [slot, value])
      } else writer.writeContent(span, exchange, [slot, value])
    },
    wire(span, exchange, facts) {
      if (span.isRecording()) writer.writeWire(span, exchange, facts)
    },
    startAgain(span, startedAt) {
      if (!span.isRecording() || !isReadable(span)) return
      if (startedAt !== undefined) writer.begin(span, hrTimeOf(startedAt))
      writer.writeStart(span)
    },
    discard: (spanId) => writer.discard(spanId),
    interim(span, endedAt, attributes) {
      if (span.isRecording() && isReadable(span)) {
        writer.writeInterim(span, nanoseconds(hrTimeOf(endedAt)), attributes)
      }
    },
    merge: (from, to) => writer.merge(from, to),
    adopt: (span, parent) => writer.adopt(span, parent),
    move(span, parent) {
      const moved = writer.move(span, parent)
      if (span.isRecording() && isReadable(span)) writer.writeStart(span)
      return moved
    },
    note: (span, noted) => writer.note(span, noted),
    flush: () => journal.flush(),
  }
}

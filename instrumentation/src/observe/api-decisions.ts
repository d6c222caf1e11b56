/** Records whether a change was accepted, rejected or reverted. */
import { type Logger, ROOT_CONTEXT, TraceFlags, trace } from '@opentelemetry/api'
import { severity } from '@turnlog/conventions'
import { defined } from '@turnlog/conventions/plain'
import type { DecisionRecord } from '../handle.ts'

export function emitDecision(logger: Logger, decision: DecisionRecord): void {
  const { traceId, spanId } = decision
  logger.emit({
    eventName: 'turnlog.change.decision',
    severityNumber: severity.info,
    context:
      traceId === undefined || spanId === undefined
        ? ROOT_CONTEXT
        : trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId, traceFlags: TraceFlags.SAMPLED }),
    attributes: defined({
      'turnlog.file_operation.id': decision.operationId,
      'turnlog.decision.type': decision.type,
      'turnlog.decision.source': decision.source,
      'turnlog.decision.reason': decision.reason,
      'turnlog.decision.outcome': decision.outcome,
      'turnlog.decision.result.sha256': decision.resultSha256,
      'turnlog.decision.elapsed': decision.elapsedSeconds,
      'file.path': decision.path,
    }),
  })
}

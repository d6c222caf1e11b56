/** What a viewer is told beside a span: where what is drawn is not what one would expect. Pure. */
import type { Parents } from './parents.ts'
import type { Span } from './span.ts'

export function warningsOf(span: Span, parents: Parents): readonly string[] {
  const { start, end, parentSpanId } = span
  const warnings: string[] = []
  if (parents.isCircular(span)) {
    warnings.push(
      `its parents go in a circle: it is drawn as if it had none, and not below ${parentSpanId}`,
    )
  } else if (parents.isMissing(span)) {
    warnings.push(`parent span ID=${parentSpanId} is not in the trace`)
  }
  if (end === undefined) warnings.push('its end was never told: it is drawn without a duration')
  if (end !== undefined && end < start) {
    warnings.push(`it ended ${start - end} ns before it started: it is drawn without a duration`)
  }
  return warnings
}

/**
 * Adds the GenAI convention's names to spans of other conventions, so that views and pages show them as model calls, tool
 * calls and turns. Pure.
 *
 * Attributes that were sent stay as they are and take precedence: names are only added, with `turnlog.dialect`. A span of
 * a dialect that cannot be read gets no names, nor does one whose sender says that another span tells the same.
 */
import type { AttributeName } from '@turnlog/conventions'
import type { AttributeMap } from '../wire/request.ts'
import type { Derived } from './messages.ts'
import { readOpenInference } from './openinference.ts'
import { readOpenLlmetry } from './openllmetry.ts'
import { readVercelAi } from './vercel-ai.ts'

/** Readers give undefined for a span of another dialect, or of no dialect. */
const dialects: Record<string, (span: AttributeMap, name: string) => Derived | undefined> = {
  openinference: readOpenInference,
  vercel_ai: readVercelAi,
  openllmetry: readOpenLlmetry,
}

const repeated: AttributeName = 'turnlog.repeated_operation'

export function withGenAiNames(attributes: AttributeMap, spanName: string): AttributeMap {
  if (attributes.has(repeated)) return attributes
  for (const [dialect, read] of Object.entries(dialects)) {
    const derived = contained(() => read(attributes, spanName))
    if (derived === undefined) continue
    const added = Object.entries(derived).flatMap(([name, value]) =>
      value === undefined || attributes.has(name) || attributes.has(`${name}.ref`)
        ? []
        : [[name, value] as const],
    )
    if (added.length === 0) return attributes
    return new Map([...attributes, ['turnlog.dialect', dialect], ...added])
  }
  return attributes
}

/** A span lands even when reading its dialect throws. */
function contained(read: () => Derived | undefined): Derived | undefined {
  try {
    return read()
  } catch {
    return undefined
  }
}

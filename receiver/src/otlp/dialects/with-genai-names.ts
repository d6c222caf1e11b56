/**
 * Spans in the words of other conventions → the GenAI convention's names beside their own, so that views and pages show
 * them as what they are. Pure.
 *
 * What was sent stays as it is, and wins: names are only added, and `turnlog.dialect` says that some were. What is written
 * in a dialect and cannot be read adds nothing.
 */
import type { AttributeMap } from '../wire/request.ts'
import type { Derived, ReadDialect } from './dialect.ts'
import { readOpenInference } from './openinference.ts'
import { readOpenLlmetry } from './openllmetry.ts'
import { readVercelAi } from './vercel-ai.ts'

const dialects: Readonly<Record<string, ReadDialect>> = {
  openinference: readOpenInference,
  vercel_ai: readVercelAi,
  openllmetry: readOpenLlmetry,
}

export function withGenAiNames(attributes: AttributeMap, spanName: string): AttributeMap {
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

/** However odd a span is, it lands. */
function contained(read: () => Derived | undefined): Derived | undefined {
  try {
    return read()
  } catch {
    return undefined
  }
}

/** All dialects that are known. One with names of its own comes before GenAI's, which it may have in addition. Pure. */
import { genAi } from './gen-ai.ts'
import { genkit } from './genkit.ts'
import { langfuse } from './langfuse.ts'
import { langSmith } from './langsmith.ts'
import { mastra } from './mastra.ts'
import { openInference } from './openinference.ts'
import { openLlmetry } from './openllmetry.ts'
import type { Dialect, SpanFacts, ToldSpan } from './span-role.ts'
import { vercelAi } from './vercel-ai.ts'

const dialects: readonly Dialect[] = [
  mastra,
  vercelAi,
  openInference,
  openLlmetry,
  langfuse,
  langSmith,
  genkit,
  genAi,
]

/** Reads the role of a span, and what belongs to the role, in the first dialect that knows the span; `undefined` if none does. */
export function toldBy(span: SpanFacts): ToldSpan | undefined {
  for (const dialect of dialects) {
    const told = dialect(span)
    if (told !== undefined) return told
  }
  return undefined
}

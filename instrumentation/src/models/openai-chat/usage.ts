/** The tokens of a Chat Completions answer, under the names that its many servers have for them: pure. */
import {
  asArray,
  asNumber,
  asObject,
  defined,
  firstNumber,
  type JsonObject,
} from '@turnlog/conventions/plain'
import type { TokenUsage } from '../model-api.ts'

/** The counters of an answer or of one chunk: some servers have them in the choice, or in a member of their own. */
export function usageIn({ usage, choices, x_groq }: JsonObject): TokenUsage {
  const choice = asObject(asArray(choices)?.[0])
  return usageOf(usage ?? asObject(x_groq)?.usage ?? choice?.usage)
}

function usageOf(usage: unknown): TokenUsage {
  const fields = asObject(usage) ?? {}
  const input = asObject(fields.prompt_tokens_details) ?? {}
  const output = asObject(fields.completion_tokens_details) ?? {}
  const reasoning = firstNumber(output.reasoning_tokens, fields.reasoning_tokens)
  return defined({
    inputTokens: asNumber(fields.prompt_tokens),
    outputTokens: outputTokens(fields, reasoning),
    cacheReadInputTokens: firstNumber(
      input.cached_tokens,
      fields.prompt_cache_hit_tokens,
      fields.cached_tokens,
      fields.cache_read_input_tokens,
    ),
    cacheWriteInputTokens: firstNumber(
      input.cache_write_tokens,
      input.cache_creation_tokens,
      input.cache_creation_input_tokens,
      fields.cache_creation_input_tokens,
    ),
    reasoningOutputTokens: reasoning,
  })
}

/** Some servers do not count the reasoning among the completion's tokens; then only the total has it. */
function outputTokens(fields: JsonObject, reasoning = 0): number | undefined {
  const input = asNumber(fields.prompt_tokens)
  const output = asNumber(fields.completion_tokens)
  if (input === undefined || output === undefined) return output
  return asNumber(fields.total_tokens) === input + output + reasoning ? output + reasoning : output
}

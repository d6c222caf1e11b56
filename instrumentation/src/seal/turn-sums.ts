/** What a turn says of its model calls: sums, the first request's model and prompt, the last answer. Pure. */
import type { AttributeName } from '@turnlog/conventions'
import type { ModelCallRecord } from '../models/model-api.ts'

/** Kept in the recorder's state while the turn is open, so that a restart adds nothing twice. */
export interface TurnSums {
  readonly model?: string | undefined
  readonly prompt?: string | undefined
  readonly answer?: string | undefined
  readonly finishReason?: string | undefined
  readonly usage: { readonly [Name in AttributeName]?: number }
}

export const emptySums: TurnSums = { usage: {} }

const summed = [
  'gen_ai.usage.input_tokens',
  'gen_ai.usage.output_tokens',
  'gen_ai.usage.cache_read.input_tokens',
  'gen_ai.usage.cache_write.input_tokens',
  'gen_ai.usage.reasoning.output_tokens',
] as const satisfies AttributeName[]

/** `isOwn`: the turn made the call itself. What a sub-agent asks and is answered is not the turn's, but it counts. */
export function addModelCall(
  sums: TurnSums,
  call: ModelCallRecord,
  { isOwn }: { readonly isOwn: boolean },
): TurnSums {
  const usage: { [Name in AttributeName]?: number } = { ...sums.usage }
  for (const name of summed) {
    const value = call.attributes[name]
    // Missing is missing: a sum exists only where at least one call gave a number.
    if (typeof value === 'number') usage[name] = (usage[name] ?? 0) + value
  }
  if (!isOwn) return { ...sums, usage }
  const model = call.attributes['gen_ai.request.model']
  return {
    model: sums.model ?? (typeof model === 'string' ? model : undefined),
    prompt: sums.prompt ?? call.lastUserText,
    answer: call.answerText === '' ? sums.answer : call.answerText,
    finishReason: call.finishReasons[0] ?? sums.finishReason,
    usage,
  }
}

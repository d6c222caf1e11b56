/** The prompts of a request, as GenAI messages. Pure. */
import { asArray, asObject, asString, defined, type JsonObject } from '@turnlog/conventions/plain'
import type { Message, Part } from '../model-api.ts'

/** Whether the request has a text, the numbers of its tokens, or a list of either; or what stands around the gap in a text. */
export function hasTextPrompt({ prompt, input_prefix, input_suffix }: JsonObject): boolean {
  const isGap = typeof input_prefix === 'string' && typeof input_suffix === 'string'
  if (typeof prompt === 'string' || isTextWithPictures(prompt) || isGap) return true
  const list = asArray(prompt)
  return list !== undefined && list.length > 0 && list.every(isTextOrTokens)
}

function isTextOrTokens(prompt: unknown): boolean {
  if (Array.isArray(prompt)) return prompt.every((each) => isToken(each))
  return isToken(prompt) || isTextWithPictures(prompt)
}

/** llama.cpp mixes tokens and texts. */
function isToken(value: unknown): boolean {
  return typeof value === 'number' || typeof value === 'string'
}

function isTextWithPictures(prompt: unknown): boolean {
  return typeof asObject(prompt)?.prompt_string === 'string'
}

/** One message for each prompt. The text that follows the gap (`suffix`) is a member of the message. */
export function promptMessages(request: JsonObject): Message[] | undefined {
  if (!hasTextPrompt(request)) return undefined
  const { prompt, suffix, input_prefix, input_suffix, input_extra } = request
  const prefix = asString(input_prefix)
  if (prefix !== undefined) {
    const parts = [prefix, asString(prompt) ?? ''].filter((text) => text !== '').map(textPart)
    return [{ role: 'user', parts, ...defined({ suffix: input_suffix, extra: input_extra }) }]
  }
  const list = asArray(prompt)
  const isOne = list === undefined || list.some((each) => typeof each === 'number')
  const prompts = isOne ? [prompt] : list
  return prompts.map((each) => ({
    role: 'user',
    parts: [promptPart(each)],
    ...defined({ suffix: suffix ?? undefined }),
  }))
}

function promptPart(prompt: unknown): Part {
  if (typeof prompt === 'string') return textPart(prompt)
  const { prompt_string: content, ...others } = asObject(prompt) ?? {}
  if (typeof content === 'string') return { ...others, type: 'text', content }
  return { type: 'tokens', tokens: prompt }
}

function textPart(content: string): Part {
  return { type: 'text', content }
}

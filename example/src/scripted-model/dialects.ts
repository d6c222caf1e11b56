/** The APIs that the scripted model speaks, and where their SDKs find it. */

import { anthropic } from './anthropic.ts'
import type { Dialect } from './dialect.ts'
import { gemini } from './gemini.ts'
import { openAiChat } from './openai-chat.ts'
import { openAiResponses } from './openai-responses.ts'

/** An unknown address is refused in the words of the first. */
const dialects = [anthropic, openAiChat, openAiResponses, gemini] as const satisfies Dialect[]

export function findDialect(method: string | undefined, pathname: string): Dialect | undefined {
  return method === 'POST' ? dialects.find((each) => each.matches(pathname)) : undefined
}

export const defaultDialect: Dialect = dialects[0]

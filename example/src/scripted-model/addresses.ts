/** The base URL under which the SDK of each API finds the scripted model. */

import type { ModelApi } from '../agent/models/model.ts'

export function baseUrlsAt(origin: string): Readonly<Record<ModelApi, string>> {
  return { anthropic: origin, openai: `${origin}/v1`, responses: `${origin}/v1`, gemini: origin }
}

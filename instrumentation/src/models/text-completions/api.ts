/**
 * The APIs that complete a text, of before Chat Completions: OpenAI's Completions and the many servers that have it, llama.cpp's own
 * `completion` and `infill`, and Mistral's `fim/completions`, which answers as Chat Completions does.
 */
import { asNumber, type JsonObject } from '@turnlog/conventions/plain'
import { createModelApi } from '../dialect.ts'
import type { ModelRequest } from '../map-exchange.ts'
import { chatDialect } from '../openai-chat/api.ts'
import { providerOf } from '../providers.ts'
import { readJsonAnswer, readStreamedAnswer } from './answer.ts'
import { hasTextPrompt, promptMessages } from './prompt.ts'

export const textCompletions = createModelApi({
  name: 'text-completions',
  operation: 'text_completion',
  provider: (url) => providerOf(url) ?? (isOfLlama(url) ? 'llama.cpp' : 'openai'),
  /** Applications have such paths, too. */
  matches(method, { pathname }) {
    if (method !== 'POST' || !/(?:^|\/)(?:completions?|infill)\/?$/.test(pathname)) return 'no'
    return /(?:^|\/)(?:chat|agents)\/completions\/?$/.test(pathname) ? 'no' : 'by body'
  },
  isRequest,
  lastResults: () => [],
  conversation(request) {
    const messages = promptMessages(request)
    return messages && { instructions: undefined, messages }
  },
  openReader: () => chatDialect.openReader(),
  readRequest,
  readEvents: readStreamedAnswer,
  readJson: readJsonAnswer,
})

function isOfLlama({ pathname }: URL): boolean {
  return /(?:^|\/)(?:completion|infill)\/?$/.test(pathname)
}

/** A page that posts a prompt to a server of its own sets none of these. */
const certainMembers =
  'max_tokens temperature top_p top_k min_p stop suffix logprobs echo best_of seed n_predict cache_prompt id_slot n_probs input_prefix samplers grammar'.split(
    ' ',
  )

/** The model may be named in the address, or be the only one of its server. */
function isRequest(request: JsonObject): boolean {
  const { messages, model, stream } = request
  if (messages !== undefined || !hasTextPrompt(request)) return false
  const isNamed = typeof model === 'string' && model !== ''
  return isNamed || typeof stream === 'boolean' || certainMembers.some((name) => name in request)
}

function readRequest(request: JsonObject, url: URL | null): ModelRequest {
  const { attributes } = chatDialect.readRequest(request, url)
  return {
    attributes: {
      ...attributes,
      'gen_ai.request.max_tokens':
        attributes['gen_ai.request.max_tokens'] ?? asNumber(request.n_predict),
    },
    messages: promptMessages(request),
    toolResults: [],
  }
}

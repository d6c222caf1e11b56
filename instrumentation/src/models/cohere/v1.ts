/** Cohere's chat API, version 1: a message and the history before it. The models at Bedrock's `invoke` speak it, too. */

import { InvokedAnswerReader } from '../bedrock/invoke.ts'
import { readInvokedEvents, readInvokedJson } from '../bedrock/invoked-answer.ts'
import { createModelApi } from '../dialect.ts'
import { commandConversation, commandRequest, commandResultsOf } from './command.ts'

/** Other apps have a message at such an address. */
const ownMembers = ['chat_history', 'preamble', 'connectors', 'prompt_truncation', 'tool_results']

export const cohereV1 = createModelApi({
  name: 'cohere-v1',
  operation: 'chat',
  provider: () => 'cohere',
  matches(method, { hostname, pathname }) {
    if (method !== 'POST' || !/(?:^|\/)v1\/chat\/?$/.test(pathname)) return 'no'
    return /(?:^|\.)cohere\.(?:com|ai)$/.test(hostname) ? 'yes' : 'by body'
  },
  isRequest: (request) =>
    typeof request.message === 'string' && ownMembers.some((name) => request[name] !== undefined),
  newResults: commandResultsOf,
  lastResults: commandResultsOf,
  conversation: commandConversation,
  openReader: () => new InvokedAnswerReader(),
  readRequest(request) {
    const { model, stream } = request
    const read = commandRequest(request)
    return {
      ...read,
      attributes: {
        ...read.attributes,
        'gen_ai.request.model': typeof model === 'string' ? model : undefined,
        'gen_ai.request.stream': typeof stream === 'boolean' ? stream : undefined,
      },
    }
  },
  readEvents: readInvokedEvents,
  readJson: readInvokedJson,
})

/** Anthropic's Messages API, with its SDK. */

import Anthropic from '@anthropic-ai/sdk'
import {
  type Ask,
  answerTokensMax,
  type Message,
  type Model,
  type ModelAccess,
  retriesMaxDefault,
} from './model.ts'

export function createModel(access: ModelAccess): Model {
  const { name, apiKey, baseUrl, retriesMax = retriesMaxDefault } = access
  const client = new Anthropic({ apiKey, baseURL: baseUrl, maxRetries: retriesMax })

  async function send({ systemPrompt, tools, messages, signal, onText }: Ask) {
    const request = {
      model: name,
      max_tokens: answerTokensMax,
      system: systemPrompt,
      tools: tools.map(({ inputSchema, ...tool }) => ({
        ...tool,
        input_schema: { ...inputSchema },
      })),
      messages: messages.map(toParam),
    }
    if (onText === undefined) return client.messages.create(request, { signal })
    const stream = client.messages.stream(request, { signal })
    stream.on('text', onText)
    return stream.finalMessage()
  }

  return {
    name,
    async ask(ask) {
      const { content, stop_reason } = await send(ask)
      const uses = content.filter((block) => block.type === 'tool_use')
      return {
        text: content.map((block) => (block.type === 'text' ? block.text : '')).join(''),
        toolUses: stop_reason === 'tool_use' ? uses : [],
        asSent: content,
      }
    },
    whyFailed(error) {
      if (error instanceof Anthropic.APIConnectionError) return 'unreachable'
      return error instanceof Anthropic.APIError ? 'refused' : undefined
    },
  }
}

function toParam(message: Message): Anthropic.MessageParam {
  switch (message.role) {
    case 'user':
      return { role: 'user', content: message.text }
    case 'assistant': {
      const asSent = message.asSent as Anthropic.ContentBlock[] | undefined
      return { role: 'assistant', content: asSent ?? message.text }
    }
    case 'tools':
      return {
        role: 'user',
        content: message.results.map(({ use, text, isError }) => ({
          type: 'tool_result',
          tool_use_id: use.id ?? '',
          content: text,
          ...(isError && { is_error: true }),
        })),
      }
  }
}

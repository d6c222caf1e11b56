/** OpenAI's Chat Completions API, with its SDK. */

import OpenAI from 'openai'
import {
  type Ask,
  answerTokensMax,
  type Message,
  type Model,
  type ModelAccess,
  parseArguments,
  retriesMaxDefault,
} from './model.ts'

type Param = OpenAI.ChatCompletionMessageParam

export function createModel(access: ModelAccess): Model {
  const { name, apiKey, baseUrl, retriesMax = retriesMaxDefault } = access
  const client = new OpenAI({ apiKey, baseURL: baseUrl, maxRetries: retriesMax })

  async function send({ systemPrompt, tools, messages, signal, onText }: Ask) {
    const request = {
      model: name,
      max_completion_tokens: answerTokensMax,
      messages: [{ role: 'system', content: systemPrompt } as const, ...messages.flatMap(toParams)],
      tools: tools.map(({ name, description, inputSchema }) => ({
        type: 'function' as const,
        function: { name, description, parameters: { ...inputSchema } },
      })),
    }
    if (onText === undefined) return client.chat.completions.create(request, { signal })
    const withUsage = { ...request, stream_options: { include_usage: true } }
    const stream = client.chat.completions.stream(withUsage, { signal })
    stream.on('content', onText)
    return stream.finalChatCompletion()
  }

  return {
    name,
    async ask(ask) {
      const [choice] = (await send(ask)).choices
      const { content, refusal, tool_calls = [] } = choice?.message ?? {}
      const text = content ?? refusal ?? ''
      const calls = tool_calls.filter((call) => call.type === 'function')
      const uses = calls.map(({ id, function: { name, arguments: written } }) => ({
        id,
        name,
        input: parseArguments(written),
      }))
      return {
        text,
        toolUses: choice?.finish_reason === 'tool_calls' ? uses : [],
        asSent: toAnswerParam(text, calls),
      }
    },
    whyFailed(error) {
      if (error instanceof OpenAI.APIConnectionError) return 'unreachable'
      return error instanceof OpenAI.APIError ? 'refused' : undefined
    },
  }
}

/** Without the members that the SDK adds to a streamed message. */
function toAnswerParam(
  text: string,
  calls: readonly OpenAI.ChatCompletionMessageFunctionToolCall[],
): Param {
  return {
    role: 'assistant',
    content: text === '' ? null : text,
    tool_calls: calls.map(({ id, type, function: { name, arguments: written } }) => ({
      id,
      type,
      function: { name, arguments: written },
    })),
  }
}

/** The API cannot mark a result as an error; its text says it. */
function toParams(message: Message): Param[] {
  switch (message.role) {
    case 'user':
      return [{ role: 'user', content: message.text }]
    case 'assistant': {
      const asSent = message.asSent as Param | undefined
      return [asSent ?? { role: 'assistant', content: message.text }]
    }
    case 'tools':
      return message.results.map(({ use, text }) => ({
        role: 'tool',
        tool_call_id: use.id ?? '',
        content: text,
      }))
  }
}

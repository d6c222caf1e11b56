/** OpenAI's Responses API, with its SDK. Nothing is stored there: each request has the whole conversation. */

import OpenAI from 'openai'
import type {
  Response,
  ResponseCreateParamsNonStreaming,
  ResponseInputItem,
} from 'openai/resources/responses/responses'
import {
  type Ask,
  answerTokensMax,
  type Message,
  type Model,
  type ModelAccess,
  parseArguments,
  retriesMaxDefault,
} from './model.ts'

export function createModel(access: ModelAccess): Model {
  const { name, apiKey, baseUrl, retriesMax = retriesMaxDefault } = access
  const client = new OpenAI({ apiKey, baseURL: baseUrl, maxRetries: retriesMax })

  async function send({ systemPrompt, tools, messages, signal, onText }: Ask): Promise<Response> {
    const request: ResponseCreateParamsNonStreaming = {
      model: name,
      max_output_tokens: answerTokensMax,
      instructions: systemPrompt,
      input: messages.flatMap(toItems),
      tools: tools.map(({ name, description, inputSchema }) => ({
        type: 'function',
        name,
        description,
        parameters: { ...inputSchema },
        strict: true,
      })),
      store: false,
      // Without it the model could not continue its own reasoning.
      include: ['reasoning.encrypted_content'],
    }
    if (onText === undefined) return client.responses.create(request, { signal })
    // Not the SDK's `stream` helper: it adds members to the items, which the API refuses when they come back.
    const events = await client.responses.create({ ...request, stream: true }, { signal })
    let last: Response | undefined
    for await (const event of events) {
      if (event.type === 'response.output_text.delta') onText(event.delta)
      if ('response' in event) last = event.response
    }
    if (last === undefined || last.status === 'in_progress') {
      throw new Error('The stream ended before the answer did.')
    }
    return last
  }

  return {
    name,
    async ask(ask) {
      const { status, error, output } = await send(ask)
      if (error !== null) throw new OpenAI.APIError(undefined, error, error.message, undefined)
      const texts = output.flatMap((item) =>
        item.type === 'message'
          ? item.content.map((part) => (part.type === 'output_text' ? part.text : part.refusal))
          : [],
      )
      const uses = output
        .filter((item) => item.type === 'function_call')
        .map(({ call_id: id, name, arguments: written }) => ({
          id,
          name,
          input: parseArguments(written),
        }))
      return {
        text: texts.join(''),
        toolUses: status === 'completed' ? uses : [],
        asSent: output,
      }
    },
    whyFailed(error) {
      if (error instanceof OpenAI.APIConnectionError) return 'unreachable'
      return error instanceof OpenAI.APIError ? 'refused' : undefined
    },
  }
}

/** The API cannot mark a result as an error; its text says it. */
function toItems(message: Message): ResponseInputItem[] {
  switch (message.role) {
    case 'user':
      return [{ role: 'user', content: message.text }]
    case 'assistant': {
      const asSent = message.asSent as ResponseInputItem[] | undefined
      return asSent ?? [{ role: 'assistant', content: message.text }]
    }
    case 'tools':
      return message.results.map(({ use, text }) => ({
        type: 'function_call_output',
        call_id: use.id ?? '',
        output: text,
      }))
  }
}

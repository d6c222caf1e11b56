/** The Gemini API, with Google's SDK. */

import { ApiError, type Content, FinishReason, GoogleGenAI, type Part } from '@google/genai'
import {
  type Ask,
  answerTokensMax,
  type Message,
  type Model,
  type ModelAccess,
  retriesMaxDefault,
} from './model.ts'

const retryDelaySeconds = 0.5

interface Answer {
  readonly parts: Part[]
  readonly finishReason: FinishReason
}

export function createModel(access: ModelAccess): Model {
  const { name, apiKey, baseUrl, retriesMax = retriesMaxDefault } = access
  const client = new GoogleGenAI({
    apiKey,
    // The environment may ask for Vertex AI, which has other addresses and other keys.
    vertexai: false,
    httpOptions: {
      ...(baseUrl !== undefined && { baseUrl }),
      // The SDK counts the first request, too. By default it does not retry.
      retryOptions: { attempts: retriesMax + 1, initialDelay: retryDelaySeconds },
    },
  })

  async function send({ systemPrompt, tools, messages, signal, onText }: Ask): Promise<Answer> {
    const functionDeclarations = tools.map(({ inputSchema, ...tool }) => ({
      ...tool,
      parametersJsonSchema: inputSchema,
    }))
    const request = {
      model: name,
      contents: messages.map(toContent),
      config: {
        systemInstruction: systemPrompt,
        maxOutputTokens: answerTokensMax,
        tools: [{ functionDeclarations }],
        abortSignal: signal,
      },
    }
    const answers =
      onText === undefined
        ? [await client.models.generateContent(request)]
        : await client.models.generateContentStream(request)
    const parts: Part[] = []
    let finishReason: FinishReason | undefined
    let blockReason: string | undefined
    for await (const { candidates: [candidate] = [], promptFeedback } of answers) {
      blockReason = promptFeedback?.blockReason ?? blockReason
      finishReason = candidate?.finishReason ?? finishReason
      for (const part of candidate?.content?.parts ?? []) {
        if (isPlainText(part)) onText?.(part.text)
        append(parts, part)
      }
    }
    if (blockReason !== undefined) throw new Error(`The prompt was blocked (${blockReason}).`)
    if (finishReason === undefined) throw new Error('The stream ended before the answer did.')
    return { parts, finishReason }
  }

  return {
    name,
    async ask(ask) {
      const { parts, finishReason } = await send(ask)
      const uses = parts.flatMap(({ functionCall }) =>
        functionCall === undefined
          ? []
          : [
              {
                id: functionCall.id,
                name: functionCall.name ?? '',
                input: functionCall.args ?? {},
              },
            ],
      )
      return {
        text: parts.map((part) => (part.thought === true ? '' : (part.text ?? ''))).join(''),
        toolUses: finishReason === FinishReason.STOP ? uses : [],
        asSent: { role: 'model', parts },
      }
    },
    whyFailed(error) {
      if (error instanceof ApiError) return 'refused'
      // The SDK passes on the error of `fetch`.
      return error instanceof TypeError && error.message === 'fetch failed'
        ? 'unreachable'
        : undefined
    },
  }
}

function isPlainText(part: Part): part is Part & { readonly text: string } {
  return typeof part.text === 'string' && part.text !== '' && part.thought !== true
}

/** Joins the pieces of a streamed text. A part with a signature stays apart, because it must come back as it is. */
function append(parts: Part[], part: Part): void {
  const last = parts.at(-1)
  const isBare = (each: Part | undefined) =>
    each !== undefined && Object.keys(each).join() === 'text' && typeof each.text === 'string'
  if (!isBare(part)) parts.push(part)
  else if (last !== undefined && isBare(last)) {
    parts[parts.length - 1] = { text: `${last.text}${part.text}` }
  } else if (part.text !== '') parts.push(part)
}

function toContent(message: Message): Content {
  switch (message.role) {
    case 'user':
      return { role: 'user', parts: [{ text: message.text }] }
    case 'assistant': {
      const asSent = message.asSent as Content | undefined
      return asSent ?? { role: 'model', parts: [{ text: message.text }] }
    }
    case 'tools':
      return {
        role: 'user',
        parts: message.results.map(({ use: { id, name }, text, isError }) => ({
          functionResponse: {
            ...(id !== undefined && { id }),
            name,
            response: isError ? { error: text } : { output: text },
          },
        })),
      }
  }
}

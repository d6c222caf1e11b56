/** Vercel's AI SDK up to version 6, and `LegacyOpenTelemetry` of version 7: spans with `ai.operationId`. Pure. */
import type { AnyValue, AttributeMap } from '../wire/request.ts'
import {
  asText,
  type Derived,
  type Message,
  type Part,
  present,
  readJson,
  textMessage,
  textPart,
  toMessages,
} from './messages.ts'

export function readVercelAi(attributes: AttributeMap): Derived | undefined {
  const operation = attributes.get('ai.operationId')
  if (typeof operation !== 'string' || attributes.has('gen_ai.operation.name')) return undefined
  if (/^ai\.(generate|stream)(Text|Object)\.do(Generate|Stream)$/.test(operation)) {
    return readModelCall(attributes)
  }
  if (/^ai\.(generate|stream)(Text|Object)$/.test(operation)) return readAgent(attributes)
  if (operation !== 'ai.toolCall') return undefined
  return {
    'gen_ai.operation.name': 'execute_tool',
    'gen_ai.tool.name': attributes.get('ai.toolCall.name'),
    'gen_ai.tool.call.id': attributes.get('ai.toolCall.id'),
    'gen_ai.tool.call.arguments': attributes.get('ai.toolCall.args'),
    'gen_ai.tool.call.result': attributes.get('ai.toolCall.result'),
  }
}

function readAgent(attributes: AttributeMap): Derived {
  const prompt = jsonAt(attributes, 'ai.prompt')
  const input = prompt instanceof Map ? (prompt.get('prompt') ?? prompt.get('messages')) : undefined
  return {
    'gen_ai.operation.name': 'invoke_agent',
    'gen_ai.agent.name': attributes.get('ai.telemetry.functionId'),
    'gen_ai.request.model': attributes.get('ai.model.id'),
    'gen_ai.input.messages':
      typeof input === 'string' ? textMessage('user', input) : messagesOf(input),
    'gen_ai.output.messages': textMessage('assistant', answerOf(attributes)),
  }
}

function readModelCall(attributes: AttributeMap): Derived {
  const tools = attributes.get('ai.prompt.tools')
  const firstChunk = attributes.get('ai.response.msToFirstChunk')
  const calls = listOf(jsonAt(attributes, 'ai.response.toolCalls')).map(toPart)
  const parts = present([textPart(answerOf(attributes)), ...calls])
  const finish_reason = asText(attributes.get('ai.response.finishReason'))
  const areTexts = Array.isArray(tools) && tools.every((tool) => typeof tool === 'string')
  return {
    'gen_ai.operation.name': 'chat',
    'gen_ai.request.model': attributes.get('ai.model.id'),
    'gen_ai.usage.cache_read.input_tokens': attributes.get('ai.usage.cachedInputTokens'),
    'gen_ai.usage.reasoning.output_tokens': attributes.get('ai.usage.reasoningTokens'),
    'gen_ai.response.time_to_first_chunk':
      typeof firstChunk === 'number' || typeof firstChunk === 'bigint'
        ? Number(firstChunk) / 1_000
        : undefined,
    'gen_ai.tool.definitions': areTexts ? `[${tools.join(',')}]` : undefined,
    'gen_ai.input.messages': messagesOf(jsonAt(attributes, 'ai.prompt.messages')),
    'gen_ai.output.messages': toMessages([{ role: 'assistant', parts, finish_reason }]),
  }
}

function answerOf(attributes: AttributeMap): AnyValue | undefined {
  return attributes.get('ai.response.text') ?? attributes.get('ai.response.object')
}

function messagesOf(messages: AnyValue | undefined): string | undefined {
  return toMessages(present(listOf(messages).map(toMessage)))
}

function toMessage(message: AnyValue): Message | undefined {
  if (!(message instanceof Map)) return undefined
  const content = message.get('content')
  const parts = Array.isArray(content) ? content.map(toPart) : [textPart(content)]
  return { role: asText(message.get('role')) ?? '', parts: present(parts) }
}

/** A part of a type that GenAI has no name for stays as it is. */
function toPart(part: AnyValue): Part | undefined {
  if (!(part instanceof Map)) return undefined
  const type = part.get('type') ?? 'tool-call'
  switch (type) {
    case 'text':
      return textPart(part.get('text'))
    case 'tool-call':
      return {
        type: 'tool_call',
        id: part.get('toolCallId'),
        name: part.get('toolName'),
        arguments: part.get('input') ?? part.get('args'),
      }
    case 'tool-result':
      return {
        type: 'tool_call_response',
        id: part.get('toolCallId'),
        response: part.get('output') ?? part.get('result'),
      }
    default:
      return { ...Object.fromEntries(part), type: asText(type) ?? '' }
  }
}

function listOf(value: AnyValue | undefined): readonly AnyValue[] {
  return Array.isArray(value) ? value : []
}

function jsonAt(attributes: AttributeMap, name: string): AnyValue | undefined {
  const text = attributes.get(name)
  return typeof text === 'string' ? readJson(text) : undefined
}

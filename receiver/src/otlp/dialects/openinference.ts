/** OpenInference (Arize Phoenix): spans with `openinference.span.kind`; messages are flattened into attributes. Pure. */
import type { AttributeMap } from '../wire/request.ts'
import {
  asText,
  type Derived,
  elementsOf,
  leafOf,
  listAt,
  type Message,
  type Tree,
  textMessage,
  textPart,
  toMessage,
  toMessages,
} from './messages.ts'

export function readOpenInference(attributes: AttributeMap, spanName: string): Derived | undefined {
  const kind = attributes.get('openinference.span.kind')
  if (typeof kind !== 'string' || attributes.has('gen_ai.operation.name')) return undefined
  const input = attributes.get('input.value')
  const output = attributes.get('output.value')
  switch (kind.toUpperCase()) {
    case 'LLM':
      return readModelCall(attributes)
    case 'TOOL':
      return {
        'gen_ai.operation.name': 'execute_tool',
        'gen_ai.tool.name': attributes.get('tool.name') ?? spanName,
        'gen_ai.tool.call.id': attributes.get('tool_call.id') ?? attributes.get('tool.id'),
        'gen_ai.tool.call.arguments': input ?? attributes.get('tool.parameters'),
        'gen_ai.tool.call.result': output,
      }
    case 'AGENT':
      return {
        'gen_ai.operation.name': 'invoke_agent',
        'gen_ai.agent.name': attributes.get('agent.name') ?? spanName,
        'gen_ai.input.messages': textMessage('user', input),
        'gen_ai.output.messages': textMessage('assistant', output),
      }
    default:
      return undefined
  }
}

function readModelCall(attributes: AttributeMap): Derived {
  const count = (name: string) => attributes.get(`llm.token_count.${name}`)
  const model = attributes.get('llm.model_name')
  const finishReason = asText(attributes.get('llm.finish_reason'))
  const messages = (name: string) =>
    toMessages(listAt(attributes, `llm.${name}.`).map(toInferenceMessage))
  return {
    'gen_ai.operation.name': 'chat',
    'gen_ai.provider.name': attributes.get('llm.provider') ?? attributes.get('llm.system'),
    'gen_ai.request.model': model,
    'gen_ai.response.model': model,
    'gen_ai.response.finish_reasons': finishReason === undefined ? undefined : [finishReason],
    'gen_ai.usage.input_tokens': count('prompt'),
    'gen_ai.usage.output_tokens': count('completion'),
    'gen_ai.usage.cache_read.input_tokens': count('prompt_details.cache_read'),
    'gen_ai.usage.cache_write.input_tokens': count('prompt_details.cache_write'),
    'gen_ai.usage.reasoning.output_tokens': count('completion_details.reasoning'),
    'gen_ai.input.messages':
      messages('input_messages') ?? textMessage('user', attributes.get('input.value')),
    'gen_ai.output.messages':
      messages('output_messages') ?? textMessage('assistant', attributes.get('output.value')),
  }
}

function toInferenceMessage(element: Tree): Message {
  const message = element.get('message')
  const contents = elementsOf(message instanceof Map ? message.get('contents') : undefined)
  return toMessage(
    message,
    (call, name) => leafOf(call, 'tool_call', ...(name === 'id' ? [name] : ['function', name])),
    contents.map((one) => textPart(leafOf(one, 'message_content', 'text'))),
  )
}

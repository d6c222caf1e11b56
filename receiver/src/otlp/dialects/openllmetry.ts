/**
 * OpenLLMetry (Traceloop): `llm.request.type` on model calls, `traceloop.span.kind` on the spans around them. Its newer
 * versions set GenAI's operation name, but still have an agent's prompt and answer in their own attributes. Pure.
 */
import type { AttributeMap } from '../wire/request.ts'
import {
  asText,
  type Derived,
  leafOf,
  listAt,
  readJson,
  textMessage,
  toMessage,
  toMessages,
} from './messages.ts'

export function readOpenLlmetry(attributes: AttributeMap, spanName: string): Derived | undefined {
  const requestType = attributes.get('llm.request.type')
  const kind = attributes.get('traceloop.span.kind')
  const operation = attributes.get('gen_ai.operation.name')
  if (requestType !== undefined && operation === undefined) {
    return requestType === 'chat' || requestType === 'completion'
      ? readModelCall(attributes, requestType)
      : undefined
  }
  const name = attributes.get('traceloop.entity.name') ?? spanName
  const said = (direction: 'input' | 'output') =>
    insideOf(
      attributes.get(`traceloop.entity.${direction}`) ?? attributes.get(`gen_ai.task.${direction}`),
    )
  if (kind === 'tool') {
    return {
      'gen_ai.operation.name': 'execute_tool',
      'gen_ai.tool.name': name,
      'gen_ai.tool.call.arguments': said('input'),
      'gen_ai.tool.call.result': said('output'),
    }
  }
  const isAgent = kind === 'workflow' || kind === 'agent'
  if (!isAgent || (operation !== undefined && operation !== 'invoke_agent')) return undefined
  return {
    'gen_ai.operation.name': 'invoke_agent',
    'gen_ai.agent.name': name,
    'gen_ai.input.messages': textMessage('user', said('input')),
    'gen_ai.output.messages': textMessage('assistant', said('output')),
  }
}

function readModelCall(attributes: AttributeMap, requestType: string): Derived {
  const messages = (prefix: string) =>
    toMessages(
      listAt(attributes, prefix).map((one) => {
        const isAnswer = leafOf(one, 'tool_call_id') !== undefined
        const finish_reason = isAnswer ? undefined : asText(leafOf(one, 'finish_reason'))
        return { ...toMessage(one, leafOf), finish_reason }
      }),
    )
  return {
    'gen_ai.operation.name': requestType === 'chat' ? 'chat' : 'text_completion',
    'gen_ai.input.messages': messages('gen_ai.prompt.'),
    'gen_ai.output.messages': messages('gen_ai.completion.'),
  }
}

/** The text inside the JSON with which it wraps inputs and outputs: `{"inputs": "What is 2 + 3?", "tags": []}`. */
function insideOf(value: unknown): string | undefined {
  if (typeof value !== 'string') return undefined
  const wrapped = readJson(value)
  if (!(wrapped instanceof Map)) return asText(wrapped) ?? value
  const inside = ['inputs', 'outputs', 'output'].map((name) => wrapped.get(name))
  return asText(inside.find((one) => one !== undefined && one !== null)) ?? value
}

/** OpenAI's Responses. */
import { scenario } from '../scenario.ts'
import {
  answerPieces,
  argumentPieces,
  argumentsText,
  json,
  namedEvents,
  type Wire,
} from './wire.ts'

const { input, output } = scenario.usage
const usage = {
  input_tokens: input,
  input_tokens_details: { cached_tokens: 0 },
  output_tokens: output,
  output_tokens_details: { reasoning_tokens: 0 },
  total_tokens: input + output,
}
const callItem = {
  id: 'fc_1',
  type: 'function_call',
  status: 'completed',
  call_id: scenario.callId,
  name: scenario.tool.name,
  arguments: argumentsText,
}
const textPart = { type: 'output_text', text: scenario.answer, annotations: [], logprobs: [] }
const textItem = {
  id: 'msg_1',
  type: 'message',
  status: 'completed',
  role: 'assistant',
  content: [textPart],
}

export const openAiResponses: Wire = ({ path, body, hasResult }) => {
  if (!path.endsWith('/responses')) return undefined
  const started = {
    id: hasResult ? 'resp_2' : 'resp_1',
    object: 'response',
    created_at: 1,
    status: 'in_progress',
    error: null,
    incomplete_details: null,
    instructions: body.instructions ?? null,
    metadata: {},
    model: scenario.model,
    output: [],
    parallel_tool_calls: true,
    previous_response_id: body.previous_response_id ?? null,
    reasoning: { effort: null, summary: null },
    temperature: 1,
    text: { format: { type: 'text' } },
    tool_choice: 'auto',
    tools: body.tools ?? [],
    top_p: 1,
    truncation: 'disabled',
    usage: null,
  }
  const item = hasResult ? textItem : callItem
  const completed = { ...started, status: 'completed', output: [item], usage }
  if (body.stream !== true) return json(completed)
  const events = [
    { type: 'response.created', response: started },
    { type: 'response.in_progress', response: started },
    ...(hasResult ? textEvents() : callEvents()),
    { type: 'response.output_item.done', output_index: 0, item },
    { type: 'response.completed', response: completed },
  ]
  return namedEvents(events.map((event, index) => ({ ...event, sequence_number: index })))
}

function textEvents() {
  const at = { output_index: 0, item_id: textItem.id, content_index: 0 }
  return [
    {
      type: 'response.output_item.added',
      output_index: 0,
      item: { ...textItem, status: 'in_progress', content: [] },
    },
    { type: 'response.content_part.added', ...at, part: { ...textPart, text: '' } },
    ...answerPieces.map((delta) => ({
      type: 'response.output_text.delta',
      ...at,
      delta,
      logprobs: [],
    })),
    { type: 'response.output_text.done', ...at, text: scenario.answer, logprobs: [] },
    { type: 'response.content_part.done', ...at, part: textPart },
  ]
}

function callEvents() {
  const at = { output_index: 0, item_id: callItem.id }
  return [
    {
      type: 'response.output_item.added',
      output_index: 0,
      item: { ...callItem, status: 'in_progress', arguments: '' },
    },
    ...argumentPieces.map((delta) => ({
      type: 'response.function_call_arguments.delta',
      ...at,
      delta,
    })),
    { type: 'response.function_call_arguments.done', ...at, arguments: argumentsText },
  ]
}

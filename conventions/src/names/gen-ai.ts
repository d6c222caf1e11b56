/** OpenTelemetry's GenAI names (semantic-conventions-genai 1.42, all *Development*), copied. */
import { development } from './definition.ts'

const { string, int, double, boolean, strings, content, jsonContent } = development

export const genAiAttributes = {
  'gen_ai.operation.name': string(
    '`invoke_agent` on a turn; `chat`, `generate_content` (Gemini) or `text_completion` on a model call; `execute_tool` on a tool call.',
    'chat',
  ),
  'gen_ai.provider.name': string('The provider of the API that was called.', 'anthropic'),
  'gen_ai.agent.name': string('The agent: the app’s service name.', 'example'),
  'gen_ai.conversation.id': string('The chat; absent when the app has no id for it.', 'c-7'),
  'gen_ai.request.model': string('The requested model.', 'claude-sonnet-4-5'),
  'gen_ai.request.max_tokens': int('The limit on output tokens.', 4096, '{token}'),
  'gen_ai.request.temperature': double('The requested temperature.', 0.2),
  'gen_ai.request.top_p': double('The requested top-p.', 0.9),
  'gen_ai.request.top_k': double('The requested top-k.', 40),
  'gen_ai.request.stop_sequences': strings('The requested stop sequences.', '["\\n\\nHuman:"]'),
  'gen_ai.request.stream': boolean('Whether the answer was requested as a stream.', true),
  'gen_ai.response.id': string('The answer’s id.', 'msg_01'),
  'gen_ai.response.model': string('The model that answered.', 'claude-sonnet-4-5-20250929'),
  'gen_ai.response.finish_reasons': strings(
    'The reasons why the model stopped; `error` when the answer was cut off by a failure. Absent when the app stopped it before the model gave one.',
    '["end_turn"]',
  ),
  'gen_ai.response.time_to_first_chunk': double(
    'From the request to the first chunk of a streamed answer.',
    0.41,
    's',
  ),
  'gen_ai.usage.input_tokens': int(
    'Input tokens, cached ones included. On a turn: the sum of its model calls.',
    1200,
    '{token}',
  ),
  'gen_ai.usage.output_tokens': int(
    'Output tokens. On a turn: the sum of its model calls.',
    310,
    '{token}',
  ),
  'gen_ai.usage.cache_read.input_tokens': int(
    'Input tokens read from the provider’s cache. On a turn: the sum.',
    900,
    '{token}',
  ),
  'gen_ai.usage.cache_write.input_tokens': int(
    'Input tokens written to the provider’s cache. On a turn: the sum.',
    200,
    '{token}',
  ),
  'gen_ai.usage.reasoning.output_tokens': int('Output tokens spent on reasoning.', 64, '{token}'),
  'gen_ai.system_instructions': jsonContent(
    'The system prompt: a JSON array of parts.',
    '[{"type":"text","content":"You edit files."}]',
  ),
  'gen_ai.input.messages': jsonContent(
    'The messages sent to the model, or the user’s prompt on a turn: a JSON array.',
    '[{"role":"user","parts":[{"type":"text","content":"hi"}]}]',
  ),
  'gen_ai.output.messages': jsonContent(
    'The model’s answer, or the final answer on a turn: a JSON array. A message must have a finish reason: it is `unknown` if none has come and nothing has failed.',
    '[{"role":"assistant","parts":[{"type":"text","content":"hello"}],"finish_reason":"end_turn"}]',
  ),
  'gen_ai.tool.definitions': jsonContent(
    'The tools that the model may call: a JSON array.',
    '[{"type":"function","name":"read_file"}]',
  ),
  'gen_ai.tool.name': string('The tool.', 'write_file'),
  'gen_ai.tool.type': string('The kind of tool.', 'function'),
  'gen_ai.tool.call.id': string('The id that the model gave to this call of the tool.', 'toolu_01'),
  'gen_ai.tool.call.arguments': jsonContent(
    'The arguments that the model gave: JSON.',
    '{"path":"hello.txt"}',
  ),
  'gen_ai.tool.call.result': content(
    'The tool’s answer to the model: a text, or JSON when it is more than one text.',
    'ok',
  ),
}

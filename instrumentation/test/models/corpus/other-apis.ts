/** What the APIs of single providers say, where they differ from what is usual. */
import { type CorpusCase, events, lines, reasoning, text } from './case.ts'

const json = 'application/json'
const sse = 'text/event-stream'
const named = (
  ...all: readonly { readonly type: string; readonly [name: string]: unknown }[]
): string => events(...all.map((each) => `event: ${each.type}\ndata: ${JSON.stringify(each)}`))

const gemini = 'https://generativelanguage.googleapis.com/v1beta/models/gemini:'
const ollama = { url: 'http://localhost:11434/api/chat', request: { model: 'q', messages: [] } }
const cohere = 'https://api.cohere.com/v2/chat'
const commandCall = { name: 'weather', parameters: { in: 'Rome' } }
const weather = { name: 'weather', arguments: '{"in":"Rome"}' }

export const otherApis: readonly CorpusCase[] = [
  {
    from: 'Gemini: thoughts',
    url: `${gemini}streamGenerateContent?alt=sse`,
    contentType: sse,
    body: events(
      { candidates: [{ content: { parts: [{ text: 'Hm. ', thought: true }], role: 'model' } }] },
      { candidates: [{ content: { parts: [{ text: 'Yes.', thought: true }], role: 'model' } }] },
      {
        candidates: [
          {
            content: { parts: [{ text: 'Four.', thoughtSignature: 's' }], role: 'model' },
            finishReason: 'STOP',
          },
        ],
        usageMetadata: {
          promptTokenCount: 9,
          candidatesTokenCount: 4,
          thoughtsTokenCount: 11,
          cachedContentTokenCount: 5,
          totalTokenCount: 24,
        },
      },
    ),
    parts: [reasoning('Hm. Yes.'), { ...text('Four.'), thoughtSignature: 's' }],
    reasons: ['STOP'],
    usage: {
      inputTokens: 9,
      outputTokens: 15,
      cacheReadInputTokens: 5,
      reasoningOutputTokens: 11,
    },
  },
  {
    from: 'Gemini: a stream that is a list',
    url: `${gemini}streamGenerateContent`,
    contentType: json,
    body: JSON.stringify(
      [
        { candidates: [{ content: { parts: [{ text: 'Fo' }], role: 'model' } }] },
        {
          candidates: [
            {
              content: { parts: [{ functionCall: { name: 'now', args: {} } }], role: 'model' },
              finishReason: 'STOP',
            },
          ],
          usageMetadata: { promptTokenCount: 3, candidatesTokenCount: 4 },
        },
      ],
      null,
      1,
    ),
    parts: [text('Fo'), { type: 'tool_call', name: 'now', arguments: {} }],
    calls: [{ name: 'now', arguments: '{}' }],
    reasons: ['STOP'],
    usage: { inputTokens: 3, outputTokens: 4 },
  },
  {
    from: 'Gemini: a prompt that is blocked',
    url: `${gemini}generateContent`,
    contentType: json,
    body: JSON.stringify({
      promptFeedback: { blockReason: 'SAFETY' },
      usageMetadata: { promptTokenCount: 3 },
    }),
    parts: [],
    reasons: ['error'],
    usage: { inputTokens: 3 },
    error: { type: 'SAFETY' },
  },
  {
    ...ollama,
    from: 'Ollama: thinking, and calls without ids',
    contentType: 'application/x-ndjson',
    body: lines(
      { model: 'q', message: { role: 'assistant', content: '', thinking: 'Hm. ' }, done: false },
      { model: 'q', message: { role: 'assistant', content: '', thinking: 'Yes.' }, done: false },
      {
        model: 'q',
        message: {
          role: 'assistant',
          content: '',
          tool_calls: [
            { function: { name: 'weather', arguments: { in: 'Rome' } } },
            { function: { name: 'now', arguments: {} } },
          ],
        },
        done: false,
      },
      {
        model: 'q',
        message: { role: 'assistant', content: '' },
        done: true,
        done_reason: 'stop',
        prompt_eval_count: 3,
        eval_count: 4,
      },
    ),
    parts: [
      reasoning('Hm. Yes.'),
      { type: 'tool_call', name: 'weather', arguments: { in: 'Rome' } },
      { type: 'tool_call', name: 'now', arguments: {} },
    ],
    calls: [weather, { name: 'now', arguments: '{}' }],
    reasons: ['stop'],
    usage: { inputTokens: 3, outputTokens: 4 },
  },
  {
    ...ollama,
    from: 'Ollama: an error in the middle of a stream',
    contentType: 'application/x-ndjson',
    body: lines(
      { model: 'q', message: { role: 'assistant', content: 'Fo' }, done: false },
      { error: 'The runner has stopped' },
    ),
    parts: [text('Fo')],
    reasons: ['error'],
    error: { type: '_OTHER', message: 'The runner has stopped' },
  },
  {
    from: 'Cohere: the plan, and cached tokens',
    url: cohere,
    contentType: sse,
    body: named(
      { type: 'message-start', id: 'm', delta: { message: { role: 'assistant' } } },
      { type: 'tool-plan-delta', delta: { message: { tool_plan: 'I will look.' } } },
      {
        type: 'tool-call-start',
        index: 0,
        delta: {
          message: { tool_calls: { id: 't', function: { name: 'weather', arguments: '' } } },
        },
      },
      {
        type: 'tool-call-delta',
        index: 0,
        delta: { message: { tool_calls: { function: { arguments: '{"in":"Rome"}' } } } },
      },
      { type: 'tool-call-end', index: 0 },
      {
        type: 'message-end',
        delta: {
          finish_reason: 'TOOL_CALL',
          usage: { tokens: { input_tokens: 9, output_tokens: 4 }, cached_tokens: 5 },
        },
      },
    ),
    parts: [
      reasoning('I will look.'),
      { type: 'tool_call', id: 't', name: 'weather', arguments: { in: 'Rome' } },
    ],
    calls: [{ id: 't', ...weather }],
    reasons: ['TOOL_CALL'],
    usage: { inputTokens: 9, outputTokens: 4, cacheReadInputTokens: 5 },
  },
  {
    from: 'Cohere, version 1: a line for each event',
    url: 'https://api.cohere.com/v1/chat',
    request: {
      model: 'command-r',
      message: '',
      stream: true,
      chat_history: [{ role: 'USER', message: 'hi' }],
      tool_results: [{ call: commandCall, outputs: [{ text: 'sunny' }] }],
    },
    asked: [
      {
        type: 'tool_call_response',
        name: 'weather',
        response: [{ text: 'sunny' }],
        call: commandCall,
      },
    ],
    contentType: 'application/stream+json',
    body: lines(
      { is_finished: false, event_type: 'stream-start', generation_id: 'g' },
      { is_finished: false, event_type: 'text-generation', text: 'Fo' },
      { is_finished: false, event_type: 'text-generation', text: 'ur.' },
      {
        is_finished: false,
        event_type: 'tool-calls-generation',
        tool_calls: [commandCall],
      },
      {
        is_finished: true,
        event_type: 'stream-end',
        finish_reason: 'COMPLETE',
        response: {
          text: 'Four.',
          tool_calls: [commandCall],
          meta: { tokens: { input_tokens: 9, output_tokens: 4 } },
        },
      },
    ),
    parts: [text('Four.'), { type: 'tool_call', name: 'weather', arguments: { in: 'Rome' } }],
    calls: [weather],
    reasons: ['COMPLETE'],
    usage: { inputTokens: 9, outputTokens: 4 },
  },
  {
    from: 'Mistral conversations: thinking in an added answer',
    url: 'https://api.mistral.ai/v1/conversations/conv_1',
    request: { inputs: [{ type: 'function.result', tool_call_id: 'c', result: 'sunny' }] },
    contentType: sse,
    body: named(
      { type: 'conversation.response.started', conversation_id: 'conv_1' },
      {
        type: 'message.output.delta',
        id: 'm',
        content_index: 0,
        content: { type: 'thinking', thinking: [{ type: 'text', text: 'Hm.' }] },
      },
      { type: 'message.output.delta', id: 'm', content_index: 1, content: 'Four.' },
      {
        type: 'conversation.response.done',
        usage: { prompt_tokens: 3, completion_tokens: 4 },
      },
    ),
    parts: [reasoning('Hm.'), text('Four.')],
    reasons: ['stop'],
    usage: { inputTokens: 3, outputTokens: 4 },
  },
  {
    from: 'OpenAI Responses: a refusal, and a function without arguments',
    url: 'https://api.openai.com/v1/responses',
    contentType: json,
    body: JSON.stringify({
      id: 'r',
      object: 'response',
      status: 'completed',
      output: [
        { type: 'message', role: 'assistant', content: [{ type: 'refusal', refusal: 'No.' }] },
        { type: 'function_call', call_id: 'c', name: 'now', arguments: '' },
      ],
      usage: {
        input_tokens: 9,
        input_tokens_details: { cached_tokens: 5 },
        output_tokens: 4,
        output_tokens_details: { reasoning_tokens: 2 },
      },
    }),
    parts: [
      { ...text('No.'), is_refusal: true },
      { type: 'tool_call', id: 'c', name: 'now', arguments: '' },
    ],
    calls: [{ id: 'c', name: 'now', arguments: '{}' }],
    reasons: ['completed'],
    usage: {
      inputTokens: 9,
      outputTokens: 4,
      cacheReadInputTokens: 5,
      reasoningOutputTokens: 2,
    },
  },
]

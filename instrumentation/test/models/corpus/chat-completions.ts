/** Servers that speak OpenAI's Chat Completions, each in its way. */
import { type CorpusCase, events, reasoning, text } from './case.ts'

const done = 'data: [DONE]'
const sse = 'text/event-stream'
const json = 'application/json'

/** A chunk with the delta of its first choice. */
const chunk = (delta: object | null, finish_reason: string | null = null, others: object = {}) => ({
  id: 'c',
  object: 'chat.completion.chunk',
  model: 'm',
  choices: delta === null ? [] : [{ index: 0, delta, finish_reason }],
  ...others,
})

const whole = (message: object, finish_reason: string, others: object = {}) =>
  JSON.stringify({
    id: 'c',
    object: 'chat.completion',
    model: 'm',
    choices: [{ index: 0, message: { role: 'assistant', ...message }, finish_reason }],
    ...others,
  })

const toolDelta = (index: number | undefined, call: object) => ({
  tool_calls: [{ ...(index === undefined ? {} : { index }), ...call }],
})
const weather = { name: 'weather', arguments: '{"in":"Rome"}' }
const weatherPart = (id?: string) => ({
  type: 'tool_call',
  ...(id === undefined ? {} : { id }),
  name: 'weather',
  arguments: { in: 'Rome' },
})

const base = { url: 'https://host.example/v1/chat/completions', contentType: sse }

export const chatCompletions: readonly CorpusCase[] = [
  {
    ...base,
    from: 'Groq: reasoning, and usage in a member of its own',
    body: events(
      chunk({ role: 'assistant', content: '' }, null, { x_groq: { id: 'r' } }),
      chunk({ reasoning: 'Hm. ' }),
      chunk({ reasoning: 'Yes.' }),
      chunk({ content: 'Four.' }),
      chunk({}, 'stop', { x_groq: { id: 'r', usage: { prompt_tokens: 3, completion_tokens: 4 } } }),
      done,
    ),
    parts: [reasoning('Hm. Yes.'), text('Four.')],
    reasons: ['stop'],
    usage: { inputTokens: 3, outputTokens: 4 },
  },
  {
    ...base,
    from: 'OpenRouter: comments, and the details of the reasoning',
    body: events(
      ': OPENROUTER PROCESSING',
      ': OPENROUTER PROCESSING',
      chunk({
        role: 'assistant',
        content: '',
        reasoning: 'Hm. ',
        reasoning_details: [{ type: 'reasoning.text', text: 'Hm. ', index: 0, format: 'f' }],
      }),
      chunk({
        reasoning: 'Yes.',
        reasoning_details: [{ type: 'reasoning.text', text: 'Yes.', index: 0, format: 'f' }],
      }),
      chunk({
        reasoning_details: [{ type: 'reasoning.text', signature: 's', index: 0, format: 'f' }],
      }),
      chunk({ content: 'Four.' }, 'stop', { provider: 'P' }),
      chunk({ role: 'assistant', content: '' }, null, {
        usage: {
          prompt_tokens: 9,
          completion_tokens: 4,
          prompt_tokens_details: { cached_tokens: 5, cache_write_tokens: 1 },
          completion_tokens_details: { reasoning_tokens: 2 },
        },
      }),
      done,
    ),
    parts: [reasoning('Hm. Yes.'), text('Four.')],
    members: {
      reasoning_details: [
        { type: 'reasoning.text', text: 'Hm. Yes.', index: 0, format: 'f', signature: 's' },
      ],
    },
    reasons: ['stop'],
    usage: {
      inputTokens: 9,
      outputTokens: 4,
      cacheReadInputTokens: 5,
      cacheWriteInputTokens: 1,
      reasoningOutputTokens: 2,
    },
  },
  {
    ...base,
    from: 'OpenRouter: an error in the middle of a stream',
    body: events(
      chunk({ role: 'assistant', content: 'Fo' }),
      chunk({ content: '' }, 'error', {
        error: { code: 502, message: 'Provider disconnected unexpectedly' },
      }),
    ),
    parts: [text('Fo')],
    reasons: ['error'],
    error: { type: '502', message: 'Provider disconnected unexpectedly' },
  },
  {
    ...base,
    from: 'OpenRouter: an error whose status is a success',
    contentType: json,
    body: JSON.stringify({ error: { code: 429, message: 'Slow down' }, user_id: 'u' }),
    parts: [],
    reasons: ['error'],
    error: { type: '429', message: 'Slow down' },
  },
  {
    ...base,
    from: 'OpenRouter: images in the answer',
    contentType: json,
    body: whole(
      {
        content: 'A cat.',
        images: [{ type: 'image_url', image_url: { url: 'data:image/png;base64,iVBO' } }],
        annotations: [{ type: 'url_citation', url_citation: { url: 'https://a.example' } }],
      },
      'stop',
    ),
    parts: [
      text('A cat.'),
      { type: 'blob', modality: 'image', mime_type: 'image/png', content: 'iVBO' },
    ],
    members: {
      annotations: [{ type: 'url_citation', url_citation: { url: 'https://a.example' } }],
    },
    reasons: ['stop'],
  },
  {
    ...base,
    from: 'Mistral: thinking in parts, then a text',
    body: events(
      chunk({ role: 'assistant', content: '' }),
      chunk({ content: [{ type: 'thinking', thinking: [{ type: 'text', text: 'Hm. ' }] }] }),
      chunk({ content: [{ type: 'thinking', thinking: [{ type: 'text', text: 'Yes.' }] }] }),
      chunk({ content: 'Fo' }),
      chunk({ content: 'ur.' }, 'stop', { usage: { prompt_tokens: 3, completion_tokens: 4 } }),
      done,
    ),
    parts: [reasoning('Hm. Yes.'), text('Four.')],
    reasons: ['stop'],
    usage: { inputTokens: 3, outputTokens: 4 },
  },
  {
    ...base,
    from: 'DeepSeek: reasoning and its cache',
    contentType: json,
    body: whole({ content: 'Four.', reasoning_content: 'Hm.' }, 'stop', {
      usage: {
        prompt_tokens: 9,
        completion_tokens: 4,
        prompt_cache_hit_tokens: 5,
        prompt_cache_miss_tokens: 4,
        completion_tokens_details: { reasoning_tokens: 2 },
      },
    }),
    parts: [reasoning('Hm.'), text('Four.')],
    reasons: ['stop'],
    usage: { inputTokens: 9, outputTokens: 4, cacheReadInputTokens: 5, reasoningOutputTokens: 2 },
  },
  {
    ...base,
    from: 'xAI: reasoning tokens beside the others',
    contentType: json,
    body: whole({ content: 'Four.', reasoning_content: 'Hm.' }, 'stop', {
      usage: {
        prompt_tokens: 9,
        completion_tokens: 4,
        total_tokens: 113,
        prompt_tokens_details: { cached_tokens: 5 },
        completion_tokens_details: { reasoning_tokens: 100 },
      },
    }),
    parts: [reasoning('Hm.'), text('Four.')],
    reasons: ['stop'],
    usage: {
      inputTokens: 9,
      outputTokens: 104,
      cacheReadInputTokens: 5,
      reasoningOutputTokens: 100,
    },
  },
  {
    ...base,
    from: 'Moonshot: usage in the choice, and cached tokens without details',
    body: events(
      chunk({ role: 'assistant', content: 'Four.' }),
      {
        id: 'c',
        choices: [
          {
            index: 0,
            delta: {},
            finish_reason: 'stop',
            usage: { prompt_tokens: 9, completion_tokens: 4, cached_tokens: 5 },
          },
        ],
      },
      done,
    ),
    parts: [text('Four.')],
    reasons: ['stop'],
    usage: { inputTokens: 9, outputTokens: 4, cacheReadInputTokens: 5 },
  },
  {
    ...base,
    from: 'LiteLLM before Claude: the cache under other names',
    contentType: json,
    body: whole({ content: 'Four.' }, 'stop', {
      usage: {
        prompt_tokens: 9,
        completion_tokens: 4,
        prompt_tokens_details: { cached_tokens: null },
        cache_read_input_tokens: 5,
        cache_creation_input_tokens: 1,
      },
    }),
    parts: [text('Four.')],
    reasons: ['stop'],
    usage: {
      inputTokens: 9,
      outputTokens: 4,
      cacheReadInputTokens: 5,
      cacheWriteInputTokens: 1,
    },
  },
  {
    ...base,
    from: 'Perplexity: what it cites',
    contentType: json,
    body: whole({ content: 'Four [1].' }, 'stop', {
      citations: ['https://a.example'],
      usage: { prompt_tokens: 3, completion_tokens: 4, reasoning_tokens: 2, num_search_queries: 1 },
    }),
    parts: [text('Four [1].')],
    members: { citations: ['https://a.example'] },
    reasons: ['stop'],
    usage: { inputTokens: 3, outputTokens: 4, reasoningOutputTokens: 2 },
  },
  {
    ...base,
    from: 'Azure: a first chunk without choices',
    body: events(
      {
        id: '',
        object: '',
        model: '',
        choices: [],
        prompt_filter_results: [{ prompt_index: 0, content_filter_results: {} }],
      },
      chunk({ role: 'assistant', content: null, refusal: null }),
      chunk({ content: 'Four.' }),
      chunk({}, 'stop'),
      chunk(null, null, { usage: { prompt_tokens: 3, completion_tokens: 4 } }),
      done,
    ),
    parts: [text('Four.')],
    reasons: ['stop'],
    usage: { inputTokens: 3, outputTokens: 4 },
  },
  {
    ...base,
    from: 'Azure: a prompt that is filtered',
    status: 400,
    contentType: json,
    body: JSON.stringify({
      error: {
        message: 'Filtered',
        type: null,
        param: 'prompt',
        code: 'content_filter',
        status: 400,
      },
    }),
    parts: [],
    reasons: ['error'],
    error: { type: 'content_filter', message: 'Filtered' },
  },
  {
    ...base,
    from: 'OpenAI: a refusal',
    body: events(
      chunk({ role: 'assistant', content: null, refusal: '' }),
      chunk({ refusal: 'I can’t ' }),
      chunk({ refusal: 'do that.' }),
      chunk({}, 'stop'),
      done,
    ),
    parts: [{ ...text('I can’t do that.'), is_refusal: true }],
    reasons: ['stop'],
  },
  {
    ...base,
    from: 'OpenAI: two choices, their chunks mixed, with log probabilities',
    request: { n: 2, logprobs: true, stream: true, stream_options: { include_usage: true } },
    body: events(
      { id: 'c', choices: [{ index: 1, delta: { content: 'Fi' }, logprobs: { content: [{}] } }] },
      { id: 'c', choices: [{ index: 0, delta: { content: 'Fo' }, logprobs: { content: [{}] } }] },
      { id: 'c', choices: [{ index: 1, delta: { content: 've.' } }] },
      { id: 'c', choices: [{ index: 0, delta: { content: 'ur.' } }] },
      { id: 'c', choices: [{ index: 1, delta: {}, finish_reason: 'length' }] },
      { id: 'c', choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] },
      { id: 'c', choices: [], usage: { prompt_tokens: 3, completion_tokens: 4 } },
      done,
    ),
    parts: [text('Four.')],
    reasons: ['stop', 'length'],
    usage: { inputTokens: 3, outputTokens: 4 },
  },
  {
    ...base,
    from: 'OpenAI: the older functions',
    body: events(
      chunk({
        role: 'assistant',
        content: null,
        function_call: { name: 'weather', arguments: '' },
      }),
      chunk({ function_call: { arguments: '{"in":' } }),
      chunk({ function_call: { arguments: '"Rome"}' } }),
      chunk({}, 'function_call'),
      done,
    ),
    parts: [weatherPart()],
    calls: [weather],
    reasons: ['function_call'],
  },
  {
    ...base,
    from: 'a tool without arguments',
    body: events(
      chunk(toolDelta(0, { id: 'a', type: 'function', function: { name: 'now', arguments: '' } })),
      chunk({}, 'tool_calls'),
      done,
    ),
    parts: [{ type: 'tool_call', id: 'a', name: 'now', arguments: '' }],
    calls: [{ id: 'a', name: 'now', arguments: '{}' }],
    reasons: ['tool_calls'],
  },
  {
    ...base,
    from: 'Gemini: whole calls, all with one index and without ids',
    body: events(
      chunk(toolDelta(0, { id: '', type: 'function', function: weather })),
      chunk(toolDelta(0, { id: '', type: 'function', function: weather }), 'tool_calls'),
      done,
    ),
    parts: [weatherPart(), weatherPart()],
    calls: [weather, weather],
    reasons: ['tool_calls'],
  },
  {
    ...base,
    from: 'vLLM: an empty list of calls, and null for what is not there',
    contentType: json,
    body: whole(
      {
        content: 'Four.',
        refusal: null,
        annotations: null,
        audio: null,
        function_call: null,
        tool_calls: [],
        reasoning_content: null,
      },
      'stop',
      { choices: undefined, kv_transfer_params: null, prompt_logprobs: null },
    ).replace(
      '"kv_transfer_params"',
      '"choices":[{"index":0,"message":{"role":"assistant","content":"Four.","tool_calls":[],"reasoning_content":null,"annotations":null},"logprobs":null,"finish_reason":"stop","stop_reason":null}],"kv_transfer_params"',
    ),
    parts: [text('Four.')],
    reasons: ['stop'],
  },
  {
    ...base,
    from: 'a server that sends an empty finish reason with each chunk',
    body: events(
      chunk(toolDelta(0, { id: 'a', function: { name: 'weather', arguments: '{"in":' } }), ''),
      chunk(toolDelta(0, { function: { arguments: '"Rome"}' } }), ''),
      chunk({}, 'tool_calls'),
      done,
    ),
    parts: [weatherPart('a')],
    calls: [{ id: 'a', ...weather }],
    reasons: ['tool_calls'],
  },
  {
    ...base,
    from: 'a gateway that calls the stream plain text',
    contentType: 'text/plain; charset=utf-8',
    body: events(
      chunk(toolDelta(0, { id: 'a', function: weather })),
      chunk({}, 'tool_calls'),
      done,
    ),
    parts: [weatherPart('a')],
    calls: [{ id: 'a', ...weather }],
    reasons: ['tool_calls'],
  },
  {
    ...base,
    from: 'llama.cpp: an error as the only event',
    body: events({ error: { code: 500, message: 'Broken', type: 'server_error' } }),
    parts: [],
    reasons: ['error'],
    error: { type: 'server_error', message: 'Broken' },
  },
  {
    ...base,
    from: 'FastAPI: the detail of an error',
    status: 422,
    contentType: json,
    body: '{"detail":[{"loc":["body","model"],"msg":"field required"}]}',
    parts: [text('{"detail":[{"loc":["body","model"],"msg":"field required"}]}')],
    reasons: ['error'],
    error: { type: '422', message: '{"detail":[{"loc":["body","model"],"msg":"field required"}]}' },
  },
  {
    ...base,
    from: 'Mistral: an error without a wrapper',
    status: 401,
    contentType: json,
    body: '{"message":"Unauthorized","request_id":"r"}',
    parts: [],
    reasons: ['error'],
    error: { type: '401', message: 'Unauthorized' },
  },
  {
    ...base,
    from: 'an image, a document and a sound that the user shows',
    contentType: json,
    request: {
      messages: [
        {
          role: 'user',
          content: [
            { type: 'text', text: 'What is it?' },
            { type: 'image_url', image_url: { url: 'data:image/png;base64,iVBO', detail: 'low' } },
            { type: 'image_url', image_url: 'https://a.example/b.png' },
            {
              type: 'file',
              file: { file_data: 'data:application/pdf;base64,JVBE', filename: 'a.pdf' },
            },
            { type: 'input_audio', input_audio: { data: 'UklG', format: 'wav' } },
            { type: 'video_url', video_url: { url: 'https://a.example/b.mp4' } },
            { type: 'document_url', document_url: 'https://a.example/b.pdf' },
          ],
        },
      ],
    },
    asked: [
      text('What is it?'),
      { type: 'blob', modality: 'image', mime_type: 'image/png', content: 'iVBO', detail: 'low' },
      { type: 'uri', modality: 'image', uri: 'https://a.example/b.png' },
      {
        type: 'blob',
        modality: 'document',
        mime_type: 'application/pdf',
        content: 'JVBE',
        filename: 'a.pdf',
      },
      { type: 'blob', modality: 'audio', mime_type: 'audio/wav', content: 'UklG' },
      { type: 'uri', modality: 'video', uri: 'https://a.example/b.mp4' },
      { type: 'uri', modality: 'document', uri: 'https://a.example/b.pdf' },
    ],
    body: whole({ content: 'A cat.' }, 'stop'),
    parts: [text('A cat.')],
    reasons: ['stop'],
  },
]

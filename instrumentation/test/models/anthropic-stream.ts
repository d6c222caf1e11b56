/** Streams of the Messages API: events, and their bytes on the wire. */

export type StreamEvent = Readonly<Record<string, unknown>> & { readonly type: string }

export function wireBytes(events: readonly StreamEvent[], lineEnd: '\n' | '\r\n' = '\n'): Buffer {
  return Buffer.from(
    events
      .map((event) =>
        [`event: ${event.type}`, `data: ${JSON.stringify(event)}`, '', ''].join(lineEnd),
      )
      .join(''),
  )
}

export function messageStart(usage: object = { input_tokens: 25, output_tokens: 1 }): StreamEvent {
  return {
    type: 'message_start',
    message: {
      id: 'msg_01',
      type: 'message',
      role: 'assistant',
      model: 'claude-sonnet-4-5-20250929',
      content: [],
      stop_reason: null,
      stop_sequence: null,
      usage,
    },
  }
}

/** One block: its start, its deltas, its stop. */
export function block(index: number, content_block: object, ...deltas: object[]): StreamEvent[] {
  return [
    { type: 'content_block_start', index, content_block },
    ...deltas.map((delta) => ({ type: 'content_block_delta', index, delta })),
    { type: 'content_block_stop', index },
  ]
}

export function textBlock(index: number, ...pieces: string[]): StreamEvent[] {
  return block(
    index,
    { type: 'text', text: '' },
    ...pieces.map((text) => ({ type: 'text_delta', text })),
  )
}

export function toolBlock(
  index: number,
  id: string,
  name: string,
  ...pieces: string[]
): StreamEvent[] {
  return block(
    index,
    { type: 'tool_use', id, name, input: {} },
    ...pieces.map((partial_json) => ({ type: 'input_json_delta', partial_json })),
  )
}

export function messageEnd(
  stop_reason = 'end_turn',
  usage: object = { output_tokens: 15 },
): StreamEvent[] {
  return [
    { type: 'message_delta', delta: { stop_reason, stop_sequence: null }, usage },
    { type: 'message_stop' },
  ]
}

const ping: StreamEvent = { type: 'ping' }

/** A turn's first answer: thinking, a text with non-ASCII characters, two tools; all kinds of deltas. */
export const answerWithTools: readonly StreamEvent[] = [
  messageStart({
    input_tokens: 25,
    cache_read_input_tokens: 900,
    cache_creation_input_tokens: 75,
    output_tokens: 2,
  }),
  ping,
  ...block(
    0,
    { type: 'thinking', thinking: '', signature: '' },
    { type: 'thinking_delta', thinking: 'The user wants ' },
    { type: 'thinking_delta', thinking: 'a greeting.' },
    { type: 'signature_delta', signature: 'c2lnbmVk' },
  ),
  ...textBlock(1, 'Grüße', ', 緑', ' 🎈!'),
  ping,
  ...toolBlock(2, 'toolu_01', 'read_file', '', '{"pa', 'th": "hel', 'lo.txt"}'),
  ...toolBlock(3, 'toolu_02', 'list_files'),
  ...messageEnd('tool_use', { output_tokens: 89 }),
]

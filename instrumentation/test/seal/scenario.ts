/** A recorder that did a bit of everything over several files, and died with work open. */
import { modelCall, type Recording, startRecording, toolCall, turn } from '../spool/support.ts'

const headers = [['content-type', 'application/json']]

export function request(text: string, results: readonly object[] = []): string {
  const messages = [{ role: 'user', content: text }, ...results]
  return JSON.stringify({ model: 'claude-a', max_tokens: 10, messages })
}

export function answer(text: string, tokens: number): string {
  return JSON.stringify({
    id: 'msg_1',
    type: 'message',
    role: 'assistant',
    model: 'claude-a',
    content: [{ type: 'text', text }],
    stop_reason: 'end_turn',
    usage: { input_tokens: tokens, output_tokens: tokens + 1 },
  })
}

/** A whole model call of the turn, in one journal file unless `between` turns the page. */
export function callModel(
  recording: Recording,
  id: string,
  { text, tokens, results = [] }: { text: string; tokens: number; results?: readonly object[] },
  between: () => void = () => undefined,
): void {
  recording.start(id, { ...modelCall, parentSpanId: 'turn' })
  recording.wire(id, 1, { url: 'http://127.0.0.1:1/v1/messages' })
  recording.content(id, 'wire.request', request(text, results), 1)
  between()
  recording.wire(id, 1, { status: 200, headers })
  const body = answer(`answer to ${text}`, tokens)
  recording.content(id, 'wire.response', body.slice(0, 20), 1)
  between()
  recording.content(id, 'wire.response', body.slice(20), 1)
  recording.wire(id, 1, { isComplete: true })
  recording.end(id, { ...modelCall, parentSpanId: 'turn' })
}

export function editFile(
  recording: Recording,
  id: string,
  [before, after]: [string, string],
): void {
  const attributes = {
    'turnlog.file_operation.id': `00000000-0000-4000-8000-00000000000${id.at(-1)}`,
    'file.path': `src/${id}.txt`,
  }
  recording.content(id, 'file.before', Buffer.from(before))
  recording.content(id, 'file.after', Buffer.from(after))
  recording.end(
    id,
    { attributes },
    {
      operation: 'write',
      before: { state: 'content', mode: 0o644 },
      after: { state: 'content', mode: 0o644 },
    },
  )
}

/** Everything is in closed files; nothing of it is sealed. A turn, a model call and a tool call are open. */
export function recordScenario(): Recording {
  const recording = startRecording()
  const page = (): void => recording.journal.rotate()
  const tick = (): void => recording.clock.pass(10)
  recording.log('session begins')
  recording.start('turn', turn)
  recording.content('turn', 'turn.request', '{"message":"do it"}')
  page()
  tick()
  callModel(recording, 'call1', { text: 'do it', tokens: 5 }, page)
  recording.start('tool1', toolCall)
  recording.content('tool1', 'tool.arguments', '{"path":"a.txt"}')
  page()
  tick()
  editFile(recording, 'file1', ['one\ntwo\n', 'one\n2\n'])
  recording.log('a long text', [['b', 'long '.repeat(10_000)]])
  // The next model call tells the result of the tool, and is answered in a later file.
  recording.start('call2', { ...modelCall, parentSpanId: 'turn' })
  recording.wire('call2', 1, { url: 'http://127.0.0.1:1/v1/messages' })
  const result = { type: 'tool_result', tool_use_id: 'toolu_1', content: 'written' }
  recording.content(
    'call2',
    'wire.request',
    request('do it', [{ role: 'user', content: [result] }]),
    1,
  )
  recording.end('tool1', toolCall, { result: { id: 'call2', x: 1 } })
  page()
  tick()
  recording.wire('call2', 1, { status: 200, headers })
  recording.content('call2', 'wire.response', answer('done', 7), 1)
  recording.wire('call2', 1, { isComplete: true })
  recording.end('call2', { ...modelCall, parentSpanId: 'turn' })
  recording.end('turn', turn)
  page()
  tick()
  // A second turn, cut off in the middle of everything.
  const other = { ...turn, traceId: 'b'.repeat(32) }
  recording.start('turn2', other)
  recording.content('turn2', 'turn.request', '{"message":"and then"}')
  recording.start('call3', { ...modelCall, traceId: 'b'.repeat(32) })
  recording.wire('call3', 1, { url: 'http://127.0.0.1:1/v1/messages' })
  recording.content('call3', 'wire.request', request('and then'), 1)
  page()
  tick()
  recording.wire('call3', 1, { status: 200, headers })
  recording.content('call3', 'wire.response', answer('half', 9).slice(0, 60), 1)
  recording.start('tool2', { ...toolCall, traceId: 'b'.repeat(32) })
  recording.log('the last sign of life')
  recording.journal.rotate()
  return recording
}

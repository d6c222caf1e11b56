/** What is one content of a span, in full? */
import type { Database } from '../database.ts'

/** The contents that pages show: their names in URLs, and their attributes. */
export const contentNames = {
  prompt: 'turnlog.turn.prompt',
  answer: 'turnlog.turn.answer',
  'input-messages': 'gen_ai.input.messages',
  'output-messages': 'gen_ai.output.messages',
  'system-instructions': 'gen_ai.system_instructions',
  'tool-definitions': 'gen_ai.tool.definitions',
  arguments: 'gen_ai.tool.call.arguments',
  result: 'gen_ai.tool.call.result',
  before: 'turnlog.file_operation.before',
  after: 'turnlog.file_operation.after',
  overwritten: 'turnlog.file_operation.overwritten',
  diff: 'turnlog.file_operation.diff',
} as const
export type ContentName = keyof typeof contentNames

const text = `
  select turnlog_text(team_id, turnlog_day(start_time), attributes -> $4) as text,
         turnlog_bytes(team_id, turnlog_day(start_time), attributes -> $4) as bytes,
         turnlog_awaited(team_id, turnlog_day(start_time), attributes -> $4) as "isAwaited"
    from spans
   where team_id = $1 and trace_id = $2 and span_id = $3   -- index: spans_pkey
   order by start_time
   limit 1`

export type ContentOfSpan =
  | { readonly status: 'here'; readonly content: string | Buffer }
  /** The span refers to it, and it has not arrived. */
  | { readonly status: 'awaited' }
  | { readonly status: 'none' }

export async function contentOfSpan(
  database: Database,
  options: {
    readonly teamId: string
    readonly traceId: string
    readonly spanId: string
    readonly name: ContentName
  },
): Promise<ContentOfSpan> {
  const { teamId, traceId, spanId, name } = options
  const [row] = await database.query<{
    text: string | null
    bytes: Buffer | null
    isAwaited: boolean | null
  }>(text, [teamId, traceId, spanId, contentNames[name]])
  const content = row?.text ?? row?.bytes
  if (content !== null && content !== undefined) return { status: 'here', content }
  return { status: row?.isAwaited ? 'awaited' : 'none' }
}

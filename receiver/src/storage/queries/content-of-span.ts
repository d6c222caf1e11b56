/** What is the whole of one content of a span? */
import type { Database } from '../database.ts'

/** The contents that are shown, as an address names them, and their attributes. */
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
         turnlog_bytes(team_id, turnlog_day(start_time), attributes -> $4) as bytes
    from spans
   where team_id = $1 and trace_id = $2 and span_id = $3   -- index: spans_pkey
   order by start_time
   limit 1`

/** Undefined when there is no such content. */
export async function contentOfSpan(
  database: Database,
  options: {
    readonly teamId: string
    readonly traceId: string
    readonly spanId: string
    readonly name: ContentName
  },
): Promise<string | Buffer | undefined> {
  const { teamId, traceId, spanId, name } = options
  const [row] = await database.query<{ text: string | null; bytes: Buffer | null }>(text, [
    teamId,
    traceId,
    spanId,
    contentNames[name],
  ])
  return row?.text ?? row?.bytes ?? undefined
}

/** What is this JSON when references to its large members, which are stored as contents, are replaced by the members? */
import type { Reader, TeamRead } from '../database.ts'

const text = 'select turnlog_expand($1, $2::date, $3) as text'

export async function expandedContent(
  database: Reader,
  options: TeamRead & { readonly day: string; readonly content: string },
): Promise<string> {
  const { teamId, day, content, ...limits } = options
  const [row] = await database.read<{ text: string }>(text, [teamId, day, content], limits)
  return row?.text ?? content
}

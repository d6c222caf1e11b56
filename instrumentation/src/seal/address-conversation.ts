/**
 * The conversation that the address of a request names: `?thread_id=…`, or `/threads/{id}/runs`. Pure, and never throws. A segment
 * of a path is an id only if it looks like one, since `/chat/stream` names no conversation.
 */
import { decoded, segmentsOf } from '../record/conversation-places.ts'

const queryNames = [
  'conversation_id',
  'conversationId',
  'chat_id',
  'chatId',
  'thread_id',
  'threadId',
  'session_id',
  'sessionId',
]
/** The segment before the id, in the order tried. */
const pathNames = ['conversation', 'thread', 'chat', 'session'] as const

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

/** `url`: path and query. */
export function conversationOfAddress(url: string): string | undefined {
  const [path = '', query = ''] = url.split(/\?(.*)/s)
  const parameters = new URLSearchParams(query)
  const named = queryNames.map((name) => parameters.get(name)).find((value) => value)
  return named ?? conversationOfPath(segmentsOf(path))
}

function conversationOfPath(segments: readonly string[]): string | undefined {
  for (const name of pathNames) {
    const index = segments.findLastIndex(
      (segment, at) =>
        (segment === `${name}s` && isIdInList(segments[at + 1])) ||
        (segment === name && isId(segments[at + 1])),
    )
    if (index >= 0) return decoded(segments[index + 1])
  }
  return undefined
}

/** `/chat/{id}`: the segment may also be a verb, a version or a model. */
function isId(segment: string | undefined): boolean {
  if (segment === undefined) return false
  return /^\d+$/.test(segment) || uuid.test(segment) || /^(?=.*\d)\w{16,}$/.test(segment)
}

/** `/chats/{id}`: a verb has no digit, and letters of one case. */
function isIdInList(segment: string | undefined): boolean {
  if (segment === undefined || /^v\d+$/.test(segment)) return false
  return /\d/.test(segment) || /^(?=.*[a-z])(?=.*[A-Z])[\w-]{12,}$/.test(segment)
}

/** Which tool calls the body of a request to a model mentions, and how: by their ids, or by their names. Pure. */
import { viewOf } from '@turnlog/conventions/content/text'
import type { Candidate } from '../record/candidate.ts'
import type { InferredCall } from '../record/tool-calls.ts'

/**
 * Leaves out calls of several turns with the same id or name, unless one of them is the candidate's own: it is not known
 * which is meant.
 */
export function certain(
  calls: readonly InferredCall[],
  candidate: Candidate | undefined,
  body: Uint8Array,
): readonly InferredCall[] {
  const mentioned = calls.map((call) => ({ call, mention: mentionOf(call, body) }))
  return calls.filter(
    (call, index) =>
      call.owner === candidate?.turn ||
      mentioned.every(
        (each) => each.mention !== mentioned[index]?.mention || each.call.owner === call.owner,
      ),
  )
}

/** How a request names a call: by its id, or by its name if it has no id, or the client leaves the id out. */
export function mentionOf({ id, name }: InferredCall, body: Uint8Array): string {
  return id !== undefined && isWritten(id, body) ? `id ${id}` : `name ${name}`
}

/** Whether the id is in the body. */
export function isWritten(id: string, body: Uint8Array): boolean {
  return viewOf(body).includes(JSON.stringify(id))
}

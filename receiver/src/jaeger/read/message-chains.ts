/**
 * The messages of lists, by the last link of each list. Lists share their beginnings, so each beginning is assembled once.
 * Pure.
 */
import type { MessageLink } from '../../storage/queries/message-links.ts'

/** The links are in the order of their positions. A beginning has at least `beginningLength` bytes if its list does. */
export function openMessageChains(links: readonly MessageLink[], beginningLength: number) {
  const known = new Map(links.map((link) => [link.sha256, link]))
  /** By link, the first messages of its list, until they fill a beginning. */
  const beginnings = new Map<
    string,
    { readonly messages: readonly string[]; readonly size: number }
  >()
  for (const { sha256, previous, message, size } of links) {
    const before = previous === null ? { messages: [], size: 0 } : beginnings.get(previous)
    if (before === undefined) continue
    const isFull = before.size >= beginningLength
    beginnings.set(
      sha256,
      isFull
        ? before
        : { messages: [...before.messages, message], size: before.size + (size ?? 0) + 1 },
    )
  }

  function whole(list: string): readonly string[] | undefined {
    const messages: string[] = []
    let link = known.get(list)
    // The last link's position bounds the walk, whatever the other links say.
    for (let position = link?.position ?? 0; position > 0; position -= 1) {
      if (link === undefined) return undefined
      messages.push(link.message)
      link = link.previous === null ? undefined : known.get(link.previous)
    }
    return messages.length === 0 ? undefined : messages.reverse()
  }

  return { whole, beginning: (list: string) => beginnings.get(list)?.messages }
}

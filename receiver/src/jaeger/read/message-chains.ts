/**
 * The messages of lists, by the lists' last links. Lists share their beginnings: what is put together of one serves all
 * that share it. Pure.
 */
import type { MessageLink } from '../../storage/queries/message-links.ts'

/** Links in the order of their positions; a beginning has so many bytes. */
export function openMessageChains(links: readonly MessageLink[], beginningLength: number) {
  const known = new Map(links.map((link) => [link.sha256, link]))
  /** Of each link, the messages of its list from the first on, until they fill a beginning. */
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
    // As often as the last link says that there are: whatever the others say, it ends.
    for (let position = link?.position ?? 0; position > 0; position -= 1) {
      if (link === undefined) return undefined
      messages.push(link.message)
      link = link.previous === null ? undefined : known.get(link.previous)
    }
    return messages.length === 0 ? undefined : messages.reverse()
  }

  return { whole, beginning: (list: string) => beginnings.get(list)?.messages }
}

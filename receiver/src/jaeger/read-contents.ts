/**
 * The contents some spans refer to, read in a handful of statements: whole up to a size, above it their beginning.
 *
 * Lists of messages share their beginnings, so their links are read once for all of them, and the beginning of a long
 * one is put together once.
 */
import type { Database } from '../storage/index.ts'
import { contentsByHash } from '../storage/queries/contents-by-hash.ts'
import { type MessageLink, messageLinks } from '../storage/queries/message-links.ts'
import type { ContentReference } from './content-reference.ts'

/** Bytes that are shown of what is too large to be shown whole. */
export const beginningBytesMax = 4_096

export interface WantedContent {
  /** The UTC day of the span, `2026-07-31`. */
  readonly day: string
  readonly reference: ContentReference
}

/** Undefined for what is not there: it has not come, or its day is over. */
export type FoundContent =
  | { readonly status: 'whole' | 'beginning'; readonly bytes: Buffer; readonly text: string }
  | undefined

export type FindContent = (wanted: WantedContent) => FoundContent

export interface ReadOptions {
  readonly database: Database
  readonly teamId: string
  readonly withinMs: number
  readonly signal?: AbortSignal | undefined
}

/** Bytes it will take in memory, at most. */
export function costOf({ size }: ContentReference, bytesMax: number): number {
  return size <= bytesMax ? size : Math.min(beginningBytesMax, bytesMax)
}

export async function readContents(
  wanted: readonly WantedContent[],
  options: ReadOptions & { readonly bytesMax: number },
): Promise<FindContent> {
  const days = new Map<string, FindInDay>()
  for (const [day, ofDay] of Map.groupBy(wanted, (content) => content.day)) {
    const references = ofDay.map(({ reference }) => reference)
    days.set(day, await readDay(references, { ...options, day }))
  }
  return ({ day, reference }) => days.get(day)?.(reference)
}

type FindInDay = (reference: ContentReference) => FoundContent

interface Stored {
  readonly text: string | null
  readonly bytes: Buffer | null
}

async function readDay(
  references: readonly ContentReference[],
  options: ReadOptions & { readonly day: string; readonly bytesMax: number },
): Promise<FindInDay> {
  const { database, bytesMax, ...read } = options
  const beginningLength = Math.min(beginningBytesMax, bytesMax)
  const lists = references.filter(({ kind }) => kind === 'messages')
  const links = await messageLinks(database, { ...read, lists: hashesOf(lists) })
  const chains = openChains(links, beginningLength)
  const hashes = new Set(hashesOf(references.filter(({ kind }) => kind === 'content')))
  for (const list of lists) {
    const messages =
      list.size <= bytesMax ? chains.whole(list.sha256) : chains.beginning(list.sha256)
    for (const hash of messages ?? []) hashes.add(hash)
  }
  const rows = await contentsByHash(database, {
    ...read,
    hashes: [...hashes],
    sizeMax: bytesMax,
    beginningLength,
  })
  const stored = new Map<string, Stored>(rows.map((row) => [row.sha256, row]))

  return (reference) => {
    const isWhole = reference.size <= bytesMax
    if (reference.kind === 'content') {
      const content = stored.get(reference.sha256)
      return content && found(isWhole, content)
    }
    const messages = isWhole ? chains.whole(reference.sha256) : chains.beginning(reference.sha256)
    const texts = messages?.map((hash) => textOf(stored.get(hash)))
    if (texts === undefined || !texts.every((text) => text !== undefined)) return undefined
    const text = isWhole ? `[${texts.join(',')}]` : `[${texts.join(',')}`
    return found(isWhole, { text, bytes: null })
  }

  function found(isWhole: boolean, content: Stored): FoundContent {
    const text = textOf(content) ?? ''
    if (isWhole) return { status: 'whole', text, bytes: content.bytes ?? Buffer.from(text) }
    const beginning = beginningOf(text, beginningLength)
    return { status: 'beginning', text: beginning, bytes: content.bytes ?? Buffer.from(beginning) }
  }
}

function hashesOf(references: readonly ContentReference[]): readonly string[] {
  return [...new Set(references.map(({ sha256 }) => sha256))]
}

function textOf(stored: Stored | undefined): string | undefined {
  return stored?.text ?? stored?.bytes?.toString('utf8')
}

/** At most so many bytes of UTF-8, no character cut in two. */
function beginningOf(text: string, bytesMax: number): string {
  const bytes = Buffer.from(text)
  if (bytes.length <= bytesMax) return text
  let end = bytesMax
  while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end -= 1
  return bytes.toString('utf8', 0, end)
}

/** The messages of lists, by the lists' last links; undefined when a link of one is missing. */
function openChains(links: readonly MessageLink[], beginningLength: number) {
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

/**
 * Reads the contents that some spans refer to, in a few statements per day: whole up to a size, above it their beginning.
 *
 * Lists of messages share their beginnings, so their links are read once for all lists.
 */
import { contentsByHash } from '../../storage/queries/contents-by-hash.ts'
import { expandedContent } from '../../storage/queries/expanded-content.ts'
import { messageLinks } from '../../storage/queries/message-links.ts'
import { openMessageChains } from './message-chains.ts'
import type { ReadOptions } from './reader.ts'
import type { StoredReference } from './stored-json.ts'

/** Bytes that are shown of a content too large to be shown whole. */
export const beginningBytesMax = 4_096

export interface WantedContent {
  /** The UTC day of the span, `2026-07-31`. */
  readonly day: string
  readonly reference: StoredReference
}

/** Undefined for a content that has not arrived, or has expired. */
export type FoundContent =
  | {
      readonly status: 'whole' | 'beginning'
      /** The part that is shown, as text and as bytes. */
      readonly text: string
      readonly bytes: Buffer
      /** The bytes are text, whatever the attribute's type. */
      readonly isText: boolean
      /** Its members that are contents themselves have been put back. */
      readonly isExpanded: boolean
      /** Bytes of the whole. */
      readonly size: number
    }
  | undefined

export type FindContent = (wanted: WantedContent) => FoundContent

/** About how many bytes the content will take in memory; a guess where the reference does not say. */
export function costOf({ size, hasReferences }: StoredReference, bytesMax: number): number {
  if (hasReferences && !Number.isFinite(bytesMax)) return expandedBytes
  if (size === undefined) return Math.min(bytesMax, unknownBytes)
  return size <= bytesMax ? size : Math.min(beginningBytesMax, bytesMax)
}

const unknownBytes = 64 * 1024
/** A content whose members are put back: each member is large. */
const expandedBytes = 8 * 1024 ** 2

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

type FindInDay = (reference: StoredReference) => FoundContent

interface Stored {
  readonly text: string | null
  readonly bytes: Buffer | null
  readonly size: number
}

async function readDay(
  references: readonly StoredReference[],
  options: ReadOptions & { readonly day: string; readonly bytesMax: number },
): Promise<FindInDay> {
  const { database, bytesMax, ...read } = options
  const beginningLength = Math.min(beginningBytesMax, bytesMax)
  const lists = references.filter(({ kind }) => kind === 'messages')
  const links = await messageLinks(database, { ...read, lists: hashesOf(lists) })
  const chains = openMessageChains(links, beginningLength)
  const hashes = new Set(hashesOf(references.filter(({ kind }) => kind === 'content')))
  for (const list of lists) for (const hash of messagesOf(list) ?? []) hashes.add(hash)
  const rows = await contentsByHash(database, {
    ...read,
    hashes: [...hashes],
    sizeMax: bytesMax,
    beginningLength,
  })
  const stored = new Map<string, Stored>(rows.map((row) => [row.sha256, row]))
  const expanded = await expandAll()

  return (reference) => {
    const content = wholeOrBeginning(reference)
    if (content === undefined) return undefined
    const text = expanded.get(reference.sha256) ?? textOf(content)
    const isText = content.bytes === null
    const isExpanded = expanded.has(reference.sha256)
    if (content.size <= bytesMax) {
      const bytes = content.bytes ?? Buffer.from(text)
      return { status: 'whole', text, bytes, isText, isExpanded, size: content.size }
    }
    const beginning = beginningOf(text, beginningLength)
    const bytes = content.bytes ?? Buffer.from(beginning)
    return { status: 'beginning', text: beginning, bytes, isText, isExpanded, size: content.size }
  }

  function isWhole({ size = 0 }: StoredReference): boolean {
    return size <= bytesMax
  }

  function messagesOf(list: StoredReference): readonly string[] | undefined {
    return isWhole(list) ? chains.whole(list.sha256) : chains.beginning(list.sha256)
  }

  function wholeOrBeginning(reference: StoredReference): Stored | undefined {
    if (reference.kind === 'content') return stored.get(reference.sha256)
    const messages = messagesOf(reference)?.map((hash) => stored.get(hash))
    if (messages === undefined || !messages.every((message) => message !== undefined)) {
      return undefined
    }
    const text = `[${messages.map(textOf).join(',')}${isWhole(reference) ? ']' : ''}`
    return { text, bytes: null, size: reference.size ?? Buffer.byteLength(text) }
  }

  /** Members that are contents themselves are large: they are put back only when there is no limit. */
  async function expandAll(): Promise<ReadonlyMap<string, string>> {
    const texts = new Map<string, string>()
    if (Number.isFinite(bytesMax)) return texts
    for (const reference of references) {
      const content = reference.hasReferences ? wholeOrBeginning(reference) : undefined
      if (content === undefined) continue
      const text = await expandedContent(database, { ...read, content: textOf(content) })
      texts.set(reference.sha256, text)
    }
    return texts
  }
}

function hashesOf(references: readonly StoredReference[]): readonly string[] {
  return [...new Set(references.map(({ sha256 }) => sha256))]
}

function textOf({ text, bytes }: Stored): string {
  return text ?? bytes?.toString('utf8') ?? ''
}

/** At most so many bytes of UTF-8, without cutting a character. */
function beginningOf(text: string, bytesMax: number): string {
  const bytes = Buffer.from(text)
  if (bytes.length <= bytesMax) return text
  let end = bytesMax
  while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end -= 1
  return bytes.toString('utf8', 0, end)
}

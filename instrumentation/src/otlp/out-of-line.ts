/**
 * Takes large contents out of a record, to be sent apart as `turnlog.content` records. Pure, except that it changes the
 * record's attributes.
 *
 * - A content above `inlineBytesMax` is taken out: `K.ref`, its hash, replaces `K`, and `K.size` stays beside it.
 * - From content that is JSON, its large members are taken out. A member is a string `x`: `"x.ref":"sha256:…","x.size":n`
 *   replaces `"x":"…"`, so that the content stays valid JSON, and putting the text back restores it byte for byte. If JSON
 *   written from the text would differ from the original (other escapes), the original JSON is the content, marked by
 *   `"x.media_type":"application/json"`. Arguments are taken out whole in two cases: they are still large without those
 *   members, or there are blanks before a member, which could not be restored. Messages, instructions and definitions are not taken out whole by this rule.
 * - A member that looks like such a reference but is the app's own is taken out whatever its size, so that readers do not
 *   replace it by another content. Arguments with such a member are taken out whole.
 * - If a record then does not fit into a body of 4 MiB, its largest values are taken out, whatever they are, until it fits.
 *
 * Values under 1 KiB stay: a reference would be nearly as large.
 */
import {
  type AttributeName,
  type ContentHash,
  contentNames,
  jsonContentNames,
  partedContentBytesMax,
} from '@turnlog/conventions'
import { mediaTypes, writeReference } from '@turnlog/conventions/content/references'
import { toJsonText } from '@turnlog/conventions/otlp/any-value'
import { type StringMember, stringMembers } from '@turnlog/conventions/otlp/json-scan'
import { type OutOfLineContent, toOutOfLineContent } from './content-records.ts'
import {
  attributesBytes,
  bytesBound,
  escapedBytes,
  type SealedAttributes,
  valueBytes,
} from './otlp-json.ts'

export interface OutOfLineRules {
  readonly inlineBytesMax: number
  readonly contentBytesMax: number
}

export interface OpenRecord {
  /** The attributes of the record, its events and its links. */
  readonly holders: readonly SealedAttributes[]
  /** The record's JSON with the attributes as they are now. */
  readonly toJson: () => string
  /** Known hashes of its contents, by name. */
  readonly hashes?: ReadonlyMap<string, ContentHash>
}

/** A record up to this size fits into a body with its resource and scope. */
export const recordBytesFit = 4 * 1024 ** 2 - 64 * 1024
export const outOfLineBytesMin = 1_024
/** About the size of a reference in the record's JSON. */
const referenceBytes = 200
/** Above this the record's JSON may be longer than a JavaScript string can be. */
const jsonBoundMax = 256 * 1024 ** 2

/** Contents that are taken out whole rather than changed: they are kept as the model wrote them. */
const wholeNames: ReadonlySet<string> = new Set([
  'gen_ai.tool.call.arguments',
] satisfies AttributeName[])

export function takeOutOfLine(
  record: OpenRecord,
  rules: OutOfLineRules,
  fit = recordBytesFit,
): { readonly json: string; readonly contents: readonly OutOfLineContent[] } {
  const { holders, toJson, hashes = new Map() } = record
  const work: Work = { contents: [], originals: new Map(), rules, hashes }
  for (const holder of holders) {
    for (const name of Object.keys(holder)) {
      if (!contentNames.has(name)) continue
      if (jsonContentNames.has(name)) takeLookalikes({ holder, name }, work)
      takeLarge({ holder, name }, work)
    }
  }
  if (holders.reduce((sum, holder) => sum + bytesBound(holder), 0) > jsonBoundMax) {
    const bytes = holders.reduce((sum, holder) => sum + attributesBytes(holder), 0)
    shrink(record, { ...work, bytes, fit })
  }
  const json = toJson()
  const bytes = Buffer.byteLength(json)
  if (bytes <= fit) return { json, contents: work.contents }
  shrink(record, { ...work, bytes, fit })
  return { json: toJson(), contents: work.contents }
}

interface AttributeKey {
  readonly holder: SealedAttributes
  readonly name: string
}

interface Work {
  /** The contents taken out so far. */
  readonly contents: OutOfLineContent[]
  /** JSON before its members were taken out. */
  readonly originals: Map<SealedAttributes, Map<string, string>>
  readonly rules: OutOfLineRules
  readonly hashes: ReadonlyMap<string, ContentHash>
}

function takeLookalikes(key: AttributeKey, work: Work): void {
  const { holder, name } = key
  const text = holder[name]
  if (typeof text !== 'string' || !text.includes('.ref"')) return
  const { contentBytesMax } = work.rules
  const members = (stringMembers(text, referenceLength) ?? []).filter(
    (member) =>
      member.name.endsWith('.ref') && reference.test(text.slice(member.valueStart, member.end)),
  )
  if (members.length === 0) return
  if (!wholeNames.has(name)) {
    const left = withoutMembers(text, members, contentBytesMax)
    if (left !== undefined) setMembers(key, left, work)
  } else if (!isAbove(text, contentBytesMax)) takeWhole(key, work)
}

function takeLarge(key: AttributeKey, work: Work): void {
  const { holder, name } = key
  const { contentBytesMax } = work.rules
  const inlineBytesMax = Math.max(work.rules.inlineBytesMax, outOfLineBytesMin)
  const value = holder[name]
  if (typeof value !== 'string' && !(value instanceof Uint8Array)) return
  const isJson = jsonContentNames.has(name)
  const bytesMax = isJson ? Math.min(inlineBytesMax, contentBytesMax) : inlineBytesMax
  if (!isAbove(value, bytesMax)) return
  const left = isJson ? withoutLargeMembers(String(value), bytesMax, contentBytesMax) : undefined
  const mustLeave =
    left === undefined ||
    isAbove(left.text, inlineBytesMax) ||
    (left.hasBlanks && !isAbove(value, contentBytesMax))
  const stays = left !== undefined && !(wholeNames.has(name) && mustLeave)
  if (isJson && isAbove(stays ? left.text : value, contentBytesMax)) omit(key)
  else if (stays) setMembers(key, left, work)
  else if (takeWhole(key, work) === 'too_large') omit(key)
}

function isAbove(value: string | Uint8Array, bytesMax: number): boolean {
  // The common case, without counting bytes.
  if (typeof value === 'string' && value.length * 3 <= bytesMax) return false
  return Buffer.byteLength(value) > bytesMax
}

/** The value is larger than one content may be. */
function omit({ holder, name }: AttributeKey): void {
  const value = holder[name]
  delete holder[name]
  holder[`${name}.omitted`] = 'too_large'
  holder[`${name}.size`] ??= Buffer.byteLength(
    typeof value === 'string' || value instanceof Uint8Array ? value : toJsonText(value),
  )
}

/** The value stays if the app's own attributes have the names that are needed. Above the limit of receivers it is `too_large`. */
function takeWhole(
  { holder, name }: AttributeKey,
  { contents, hashes }: Pick<Work, 'contents' | 'hashes'>,
  value = holder[name],
): 'taken' | 'stays' | 'too_large' {
  const size: unknown = holder[`${name}.size`]
  const isSize = size === undefined || (Number.isSafeInteger(size) && Number(size) >= 0)
  if (Object.hasOwn(holder, `${name}.ref`) || !isSize) return 'stays'
  const content = toOutOfLineContent(
    typeof value === 'string' || value instanceof Uint8Array ? value : toJsonText(value),
    typeof value === 'string' && !jsonContentNames.has(name) ? mediaTypes.text : mediaTypes.json,
    hashes.get(name),
  )
  if (content.size > partedContentBytesMax) return 'too_large'
  delete holder[name]
  holder[`${name}.ref`] = content.sha256
  holder[`${name}.size`] ??= content.size
  contents.push(content)
  return 'taken'
}

/** Members with longer names stay, whatever their values. */
const memberNameLengthMax = 200

function membersAbove(text: string, lengthMin: number): StringMember[] | undefined {
  return stringMembers(text, lengthMin)?.filter(
    ({ name }) => name.length <= memberNameLengthMax && !name.endsWith('.ref'),
  )
}

const reference = /^"sha256:[0-9a-f]{64}"$/
const referenceLength = '"sha256:"'.length + 64

interface WithoutMembers {
  readonly text: string
  /** A member that was taken out had blanks around its colon. */
  readonly hasBlanks: boolean
  readonly contents: readonly OutOfLineContent[]
}

/** Undefined if the text is not JSON. */
function withoutLargeMembers(
  text: string,
  bytesMax: number,
  contentBytesMax: number,
): WithoutMembers | undefined {
  const members = membersAbove(text, Math.floor(bytesMax / 3))
  const large = members?.filter(({ valueStart, end }) =>
    isAbove(text.slice(valueStart + 1, end - 1), bytesMax),
  )
  if (large?.length === 0) return { text, hasBlanks: false, contents: [] }
  return large && withoutMembers(text, large, contentBytesMax)
}

/** Undefined if a member is not valid JSON. */
function withoutMembers(
  text: string,
  members: readonly StringMember[],
  contentBytesMax: number,
): WithoutMembers | undefined {
  const contents: OutOfLineContent[] = []
  const pieces: string[] = []
  let from = 0
  let hasBlanks = false
  for (const { name, start, valueStart, end } of members) {
    hasBlanks ||= valueStart - start > `"${name}":`.length
    const content = contentOf(text.slice(valueStart, end))
    if (content === undefined) return undefined
    const isSent = content.size <= contentBytesMax
    if (isSent) contents.push(content)
    pieces.push(
      text.slice(from, start),
      writeReference(name, isSent ? content : { ...content, sha256: undefined }),
    )
    from = end
  }
  pieces.push(text.slice(from))
  return { text: pieces.join(''), hasBlanks, contents }
}

/** The text of a JSON string; the JSON itself, if writing the text again would differ from it. */
function contentOf(written: string): OutOfLineContent | undefined {
  try {
    const text: unknown = JSON.parse(written)
    if (typeof text !== 'string') return undefined
    return JSON.stringify(text) === written
      ? toOutOfLineContent(text, mediaTypes.text)
      : toOutOfLineContent(written, mediaTypes.json)
  } catch {
    return undefined
  }
}

function setMembers({ holder, name }: AttributeKey, left: WithoutMembers, work: Work): void {
  const before = holder[name]
  const originals = work.originals.get(holder) ?? new Map<string, string>()
  work.originals.set(holder, originals)
  if (typeof before === 'string' && !originals.has(name)) originals.set(name, before)
  holder[name] = left.text
  work.contents.push(...left.contents)
}

/** A value or member that could be taken out, and its bytes in the record's JSON. */
interface Candidate {
  readonly key: AttributeKey
  readonly bytes: number
  readonly member?: StringMember
}

function shrink(
  record: OpenRecord,
  work: Work & { readonly bytes: number; readonly fit: number },
): void {
  const { originals, rules, fit } = work
  let { bytes } = work
  const candidates = keysIn(record).flatMap(candidatesAt)
  candidates.sort((a, b) => b.bytes - a.bytes)
  const chosen: Candidate[] = []
  for (const candidate of candidates) {
    if (bytes <= fit) break
    const { key, member } = candidate
    if (member !== undefined) chosen.push(candidate)
    else if (takeWhole(key, work) !== 'taken') continue
    bytes -= candidate.bytes - referenceBytes
  }
  for (const [key, of] of Map.groupBy(chosen, (each) => each.key)) {
    const members = of.flatMap(({ member = [] }) => member).sort((a, b) => a.start - b.start)
    const text = String(key.holder[key.name])
    const left = withoutMembers(text, members, rules.contentBytesMax)
    if (left !== undefined) setMembers(key, left, work)
  }
  if (bytes <= fit) return
  // Too many small members are left: their JSON is taken out whole, in its original form.
  const lists = keysIn(record).filter(({ name }) => jsonContentNames.has(name))
  lists.sort((a, b) => valueBytes(b.holder[b.name]) - valueBytes(a.holder[a.name]))
  for (const key of lists) {
    if (Buffer.byteLength(record.toJson()) <= fit) return
    takeWhole(key, work, originals.get(key.holder)?.get(key.name))
  }
}

function keysIn({ holders }: OpenRecord): AttributeKey[] {
  return holders.flatMap((holder) => Object.keys(holder).map((name) => ({ holder, name })))
}

function candidatesAt(key: AttributeKey): Candidate[] {
  const value = key.holder[key.name]
  const members =
    typeof value === 'string' && jsonContentNames.has(key.name)
      ? membersAbove(value, outOfLineBytesMin)
      : undefined
  if (members === undefined) {
    const bytes = valueBytes(value)
    return bytes < outOfLineBytesMin ? [] : [{ key, bytes }]
  }
  return members.map((member) => ({
    key,
    member,
    bytes: escapedBytes(String(value).slice(member.valueStart, member.end)),
  }))
}

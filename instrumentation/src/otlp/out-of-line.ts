/**
 * What leaves a record for `turnlog.content` records of its own, so that the record stays small. Pure, but for the record
 * itself, which is changed.
 *
 * - A content above `inlineBytesMax` leaves: `K.ref`, its hash, stands in the place of `K`, and `K.size` beside it.
 * - Of content that is JSON its large members leave, each a string `x`: `"x.ref":"sha256:…","x.size":n` stands where
 *   `"x":"…"` stood, so that it stays valid JSON, and putting the text back gives what it was, byte for byte. Where writing the
 *   text as JSON again would not, the content is what was written, `"x.media_type":"application/json"` says so.
 *   Messages, instructions and definitions stay themselves; arguments leave whole when what is left is still large, or
 *   when blanks, which nothing would put back, stand before a large member: they are as the model wrote them.
 * - A member of the app's own that looks like such a reference leaves as well, whatever its size, and its arguments whole:
 *   or readers would put another content in its place.
 * - A record that would not fit into a body of 4 MiB gives up its largest values, whatever they are, until it fits.
 *
 * What is under 1 KiB stays: what would stand in its place takes nearly as much.
 */
import {
  type AttributeName,
  type ContentHash,
  contentNames,
  jsonContentNames,
  partedContentBytesMax,
} from '@turnlog/conventions'
import { type MediaType, mediaTypes, writeReference } from '@turnlog/conventions/content/references'
import { toJsonText } from '@turnlog/conventions/otlp/any-value'
import { type StringMember, stringMembers } from '@turnlog/conventions/otlp/json-scan'
import { type MovedContent, toMovedContent } from './content-records.ts'
import { attributesBytes, bytesBound, escapedBytes, valueBytes } from './json-size.ts'
import type { SealedAttributes } from './otlp-json.ts'

export interface MoveRules {
  readonly inlineBytesMax: number
  readonly contentBytesMax: number
}

export interface OpenRecord {
  /** Of the record, its events and its links. */
  readonly holders: readonly SealedAttributes[]
  /** As they are now. */
  readonly toJson: () => string
  /** What its own contents are known to hash to, by their names: they are not hashed again. */
  readonly hashes?: ReadonlyMap<string, ContentHash>
}

export interface SmallRecord {
  readonly json: string
  readonly contents: readonly MovedContent[]
}

/** Of a record, so that it fits into a body with its resource and scope. */
export const recordBytesFit = 4 * 1024 ** 2 - 64 * 1024
export const movedBytesMin = 1_024
/** About what a reference takes, in the record's JSON. */
const referenceBytes = 200
/** JavaScript has no string of a record that may be longer. */
const jsonBoundMax = 256 * 1024 ** 2

const leavesWhole: ReadonlySet<string> = new Set([
  'gen_ai.tool.call.arguments',
] satisfies AttributeName[])

/** Content of which members leave by themselves: it may be larger than one content may be. */
export function hasMembers(name: string): boolean {
  return jsonContentNames.has(name)
}

/** Moves out what must go. */
export function moveOut(record: OpenRecord, rules: MoveRules, fit = recordBytesFit): SmallRecord {
  const { holders, toJson, hashes = new Map() } = record
  const moving: Moving = { moved: [], originals: new Map(), rules, hashes }
  for (const holder of holders) {
    for (const name of Object.keys(holder)) {
      if (!contentNames.has(name)) continue
      if (jsonContentNames.has(name)) moveOwnReferences({ holder, name }, moving)
      moveLarge({ holder, name }, moving)
    }
  }
  if (holders.reduce((sum, holder) => sum + bytesBound(holder), 0) > jsonBoundMax) {
    const bytes = holders.reduce((sum, holder) => sum + attributesBytes(holder), 0)
    shrink(record, { ...moving, bytes, fit })
  }
  const json = toJson()
  const bytes = Buffer.byteLength(json)
  if (bytes <= fit) return { json, contents: moving.moved }
  shrink(record, { ...moving, bytes, fit })
  return { json: toJson(), contents: moving.moved }
}

interface Place {
  readonly holder: SealedAttributes
  readonly name: string
}

interface Moving {
  readonly moved: MovedContent[]
  /** JSON as it was before its members left. */
  readonly originals: Map<SealedAttributes, Map<string, string>>
  readonly rules: MoveRules
  readonly hashes: ReadonlyMap<string, ContentHash>
}

function moveOwnReferences(place: Place, moving: Moving): void {
  const { holder, name } = place
  const text = holder[name]
  if (typeof text !== 'string' || !text.includes('.ref"')) return
  const { contentBytesMax } = moving.rules
  const members = stringMembers(text, referenceLength)?.filter(
    (member) =>
      member.name.endsWith('.ref') && isReference(text.slice(member.valueStart, member.end)),
  )
  if (members === undefined || members.length === 0) return
  if (!leavesWhole.has(name)) {
    const left = withoutMembers(text, members, contentBytesMax)
    if (left !== undefined) setMembers(place, left, moving)
  } else if (!isAbove(text, contentBytesMax)) moveWhole(place, moving)
}

function moveLarge(place: Place, moving: Moving): void {
  const { holder, name } = place
  const { contentBytesMax } = moving.rules
  const inlineBytesMax = Math.max(moving.rules.inlineBytesMax, movedBytesMin)
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
  const stays = left !== undefined && !(leavesWhole.has(name) && mustLeave)
  if (isJson && isAbove(stays ? left.text : value, contentBytesMax)) omit(place)
  else if (stays) setMembers(place, left, moving)
  else if (moveWhole(place, moving) === 'too_large') omit(place)
}

function isAbove(value: string | Uint8Array, bytesMax: number): boolean {
  // Most are far below, and that is quickly seen.
  if (typeof value === 'string' && value.length * 3 <= bytesMax) return false
  return Buffer.byteLength(value) > bytesMax
}

/** Above what one content may be. */
function omit({ holder, name }: Place): void {
  const value = holder[name]
  delete holder[name]
  holder[`${name}.omitted`] = 'too_large'
  holder[`${name}.size`] ??= Buffer.byteLength(
    typeof value === 'string' || value instanceof Uint8Array ? value : toJsonText(value),
  )
}

/** It stays where names of the app's own stand in the way; above what a receiver puts together it cannot go. */
function moveWhole(
  { holder, name }: Place,
  { moved, hashes }: Pick<Moving, 'moved' | 'hashes'>,
  value = holder[name],
): 'moved' | 'stays' | 'too_large' {
  const size: unknown = holder[`${name}.size`]
  const isSize = size === undefined || (Number.isSafeInteger(size) && Number(size) >= 0)
  if (Object.hasOwn(holder, `${name}.ref`) || !isSize) return 'stays'
  const content = toMovedContent(
    typeof value === 'string' || value instanceof Uint8Array ? value : toJsonText(value),
    mediaTypeOf(name, value),
    hashes.get(name),
  )
  if (content.size > partedContentBytesMax) return 'too_large'
  delete holder[name]
  holder[`${name}.ref`] = content.sha256
  holder[`${name}.size`] ??= content.size
  moved.push(content)
  return 'moved'
}

function mediaTypeOf(name: string, value: unknown): MediaType {
  if (value instanceof Uint8Array) return mediaTypes.bytes
  return typeof value === 'string' && !jsonContentNames.has(name)
    ? mediaTypes.text
    : mediaTypes.json
}

/** Names longer than this stay, whatever their values. */
const memberNameLengthMax = 200

function membersAbove(text: string, lengthMin: number): StringMember[] | undefined {
  return stringMembers(text, lengthMin)?.filter(
    ({ name }) => name.length <= memberNameLengthMax && !name.endsWith('.ref'),
  )
}

const referenceLength = '"sha256:"'.length + 64

function isReference(written: string): boolean {
  return /^"sha256:[0-9a-f]{64}"$/.test(written)
}

interface WithoutMembers {
  readonly text: string
  /** Around the colons of the members, where the text does not have them any more. */
  readonly hasBlanks: boolean
  readonly contents: readonly MovedContent[]
}

/** Undefined where it is no JSON. */
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

/** Undefined where it turns out to be no JSON. */
function withoutMembers(
  text: string,
  members: readonly StringMember[],
  contentBytesMax: number,
): WithoutMembers | undefined {
  const contents: MovedContent[] = []
  const pieces: string[] = []
  let from = 0
  let hasBlanks = false
  for (const { name, start, valueStart, end } of members) {
    hasBlanks ||= valueStart - start > `"${name}":`.length
    const content = contentOf(text.slice(valueStart, end))
    if (content === undefined) return undefined
    const isKept = content.size <= contentBytesMax
    if (isKept) contents.push(content)
    pieces.push(
      text.slice(from, start),
      writeReference(name, isKept ? content : { ...content, sha256: undefined }),
    )
    from = end
  }
  pieces.push(text.slice(from))
  return { text: pieces.join(''), hasBlanks, contents }
}

/** The text that a JSON string stands for; or what is written, where it would be written otherwise. */
function contentOf(written: string): MovedContent | undefined {
  try {
    const text: unknown = JSON.parse(written)
    if (typeof text !== 'string') return undefined
    return JSON.stringify(text) === written
      ? toMovedContent(text, mediaTypes.text)
      : toMovedContent(written, mediaTypes.json)
  } catch {
    return undefined
  }
}

function setMembers({ holder, name }: Place, left: WithoutMembers, moving: Moving): void {
  const before = holder[name]
  const originals = moving.originals.get(holder) ?? new Map<string, string>()
  moving.originals.set(holder, originals)
  if (typeof before === 'string' && !originals.has(name)) originals.set(name, before)
  holder[name] = left.text
  moving.moved.push(...left.contents)
}

/** Something that could leave, and what the record's JSON would be shorter by. */
interface Candidate {
  readonly place: Place
  readonly bytes: number
  readonly member?: StringMember
}

function shrink(
  record: OpenRecord,
  moving: Moving & { readonly bytes: number; readonly fit: number },
): void {
  const { originals, rules, fit } = moving
  let { bytes } = moving
  const candidates = placesIn(record).flatMap(candidatesAt)
  candidates.sort((a, b) => b.bytes - a.bytes)
  const chosen: Candidate[] = []
  for (const candidate of candidates) {
    if (bytes <= fit) break
    const { place, member } = candidate
    if (member !== undefined) chosen.push(candidate)
    else if (moveWhole(place, moving) !== 'moved') continue
    bytes -= candidate.bytes - referenceBytes
  }
  for (const [place, of] of Map.groupBy(chosen, (each) => each.place)) {
    const members = of.flatMap(({ member = [] }) => member).sort((a, b) => a.start - b.start)
    const text = String(place.holder[place.name])
    const left = withoutMembers(text, members, rules.contentBytesMax)
    if (left !== undefined) setMembers(place, left, moving)
  }
  if (bytes <= fit) return
  // So many small ones are left: the JSON that holds them leaves, as it was.
  const lists = placesIn(record).filter(({ name }) => jsonContentNames.has(name))
  lists.sort((a, b) => valueBytes(b.holder[b.name]) - valueBytes(a.holder[a.name]))
  for (const place of lists) {
    if (Buffer.byteLength(record.toJson()) <= fit) return
    moveWhole(place, moving, originals.get(place.holder)?.get(place.name))
  }
}

function placesIn({ holders }: OpenRecord): Place[] {
  return holders.flatMap((holder) => Object.keys(holder).map((name) => ({ holder, name })))
}

function candidatesAt(place: Place): Candidate[] {
  const value = place.holder[place.name]
  const members =
    typeof value === 'string' && jsonContentNames.has(place.name)
      ? membersAbove(value, movedBytesMin)
      : undefined
  if (members === undefined) {
    const bytes = valueBytes(value)
    return bytes < movedBytesMin ? [] : [{ place, bytes }]
  }
  return members.map((member) => ({
    place,
    member,
    bytes: escapedBytes(String(value).slice(member.valueStart, member.end)),
  }))
}

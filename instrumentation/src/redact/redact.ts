/**
 * Replaces each secret of a known format by a named marker, such as `[REDACTED:github-token]`.
 *
 * A marker has no quote, backslash or line end, so JSON stays valid JSON, and redacting twice changes nothing. Plain text is
 * handled, and text inside JSON strings (`\n`, `\"`), escaped once or twice. In a span or log, everything that an app may have
 * written is redacted: names, messages, keys and values. The time is linear in the length of any text, and
 * nothing is thrown.
 */
import { viewOf } from '@turnlog/conventions/content/text'
import { defined } from '@turnlog/conventions/plain'
import type { JournaledLog, JournaledSpan } from '../journal/span-head.ts'
import type { SealedAttributes } from '../otlp/otlp-json.ts'
import { type SecretRule, secretRules } from './secret-rules.ts'

interface Finding {
  readonly start: number
  end: number
  /** The rule's index in the table; the lowest one names the marker. */
  rank: number
}

interface Trigger {
  readonly anchors: RegExp
  readonly ranksOf: ReadonlyMap<string, readonly number[]>
}

/** No private key is longer, so its END line is not searched for beyond this. */
const privateKeyLengthMax = 64 * 1024
const rules: readonly SecretRule[] = secretRules
const triggers: readonly Trigger[] = [createTrigger(undefined), createTrigger(true)]

export function redactText(text: string): { readonly text: string; readonly redactions: number } {
  const findings = triggers.flatMap((trigger) => find(text, trigger))
  if (findings.length === 0) return { text, redactions: 0 }
  const secrets = merge(findings)
  const pieces: string[] = []
  let from = 0
  for (const { start, end, rank } of secrets) {
    pieces.push(text.slice(from, start), `[REDACTED:${rules[rank]?.name ?? 'secret'}]`)
    from = end
  }
  pieces.push(text.slice(from))
  return { text: pieces.join(''), redactions: secrets.length }
}

/**
 * The same for bytes that are not UTF-8 text. They are read as UTF-16 if a byte order mark says so, else as Latin-1. If they
 * contain NULs, as English in UTF-16 does in every other byte, they are also read as UTF-16 of either byte order, starting at
 * an even or odd byte. All bytes outside the secrets stay the same.
 */
export function redactBytes(bytes: Uint8Array): ReturnType<typeof redactAs> {
  const view = viewOf(bytes)
  const isMarked = view.length % 2 === 0 && view[0] === 0xff && view[1] === 0xfe
  if (isMarked) return redactAs(view, 'utf16le', 0)
  let redacted = redactAs(view, 'latin1', 0)
  if (!view.includes(0)) return redacted
  // The other byte order is this one, shifted by a byte.
  for (const start of [0, 1]) {
    const { bytes: left, redactions } = redactAs(redacted.bytes, 'utf16le', start)
    redacted = { bytes: left, redactions: redacted.redactions + redactions }
  }
  return redacted
}

function redactAs(
  bytes: Uint8Array,
  encoding: 'latin1' | 'utf16le',
  start: number,
): { readonly bytes: Uint8Array; readonly redactions: number } {
  const view = viewOf(bytes)
  const end = encoding === 'latin1' ? view.length : view.length - ((view.length - start) % 2)
  const { text, redactions } = redactText(view.toString(encoding, start, end))
  if (redactions === 0) return { bytes, redactions }
  const pieces = [view.subarray(0, start), Buffer.from(text, encoding), view.subarray(end)]
  return { bytes: Buffer.concat(pieces), redactions }
}

function createTrigger(ignoresCase: true | undefined): Trigger {
  const own = [...rules.entries()].filter(([, rule]) => rule.ignoresCase === ignoresCase)
  const anchors = [...new Set(own.flatMap(([, rule]) => rule.anchors))]
  // The longest first, so that a shorter anchor at the same position is a prefix of the match.
  anchors.sort((a, b) => b.length - a.length)
  const source = anchors.map((anchor) => anchor.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&')).join('|')
  const ranksOf = (anchor: string) =>
    own.filter(([, rule]) => rule.anchors.some((each) => anchor.startsWith(each)))
  return {
    anchors: new RegExp(source, ignoresCase ? 'gi' : 'g'),
    ranksOf: new Map(anchors.map((anchor) => [anchor, ranksOf(anchor).map(([rank]) => rank)])),
  }
}

function find(text: string, { anchors, ranksOf }: Trigger): Finding[] {
  const findings: Finding[] = []
  /** By rule: the end of the text that it has matched already. */
  const matchedTo = new Map<number, number>()
  anchors.lastIndex = 0
  for (let hit = anchors.exec(text); hit !== null; hit = anchors.exec(text)) {
    const at = hit.index
    anchors.lastIndex = at + 1
    for (const rank of ranksOf.get(hit[0]) ?? ranksOf.get(hit[0].toLowerCase()) ?? []) {
      const rule = rules[rank]
      if (rule === undefined || at < (matchedTo.get(rank) ?? 0)) continue
      if (rule.boundary !== undefined && !startsAfterBoundary(text, at, rule.boundary)) continue
      rule.pattern.lastIndex = at
      const match = rule.pattern.exec(text)
      if (match === null) continue
      const secret = match.slice(1).find((group) => group !== undefined) ?? match[0]
      const matchEnd = at + match[0].length
      matchedTo.set(rank, matchEnd)
      if (rule.isSecret?.(secret) === false) continue
      findings.push({ start: matchEnd - secret.length, end: matchEnd, rank })
      if (rule.name === 'private-key') {
        for (const [start, end] of bodyOfPrivateKey(text, matchEnd)) {
          findings.push({ start, end, rank })
          matchedTo.set(rank, end)
        }
      }
    }
  }
  return findings
}

/** Joins findings that overlap, such as a token in a header, and names them by the rule highest in the table. */
function merge(findings: readonly Finding[]): Finding[] {
  const merged: Finding[] = []
  for (const finding of findings.toSorted((a, b) => a.start - b.start)) {
    const last = merged.at(-1)
    if (last === undefined || !isOneSecret(last, finding)) merged.push({ ...finding })
    else {
      last.end = Math.max(last.end, finding.end)
      last.rank = Math.min(last.rank, finding.rank)
    }
  }
  return merged
}

/** True if they overlap. The head and the body of a private key only touch. */
function isOneSecret(last: Finding, next: Finding): boolean {
  return next.start < last.end || (next.start === last.end && next.rank === last.rank)
}

/** False for `ab` + `ghp_…`, which is one word; true for `\n` + `ghp_…`, `%3D` + `ghp_…` and `=` + `ghp_…`. */
function startsAfterBoundary(text: string, at: number, boundary: 'word' | 'token'): boolean {
  if (at === 0) return true
  const before = text.slice(Math.max(0, at - 6), at)
  const inside = boundary === 'word' ? /[A-Za-z0-9]$/ : /[A-Za-z0-9_-]$/
  return !inside.test(before) || /(?:\\[nrtbf]|\\u[0-9A-Fa-f]{4}|%[0-9A-Fa-f]{2})$/.test(before)
}

const privateKeyEnd = /-----END [A-Z0-9 ]{0,60}-----/y
/** The text between BEGIN and END, raw or escaped: base64, and headers such as `Proc-Type: 4,ENCRYPTED`. */
const privateKeyBody = /^(?:[A-Za-z0-9+/=\s:,.()_@<>-]|\\{1,8}[nrt/])*$/
/** The lines of base64 of a block that was cut. */
const privateKeyLines = /^(?:(?:\s|\\{1,8}[nrt]){0,8}[A-Za-z0-9+/=]{16,1024}){1,2000}/
/** A quoted line of a key that source code concatenates. Escapes are matched first, so that their letters are not part of it. */
const privateKeyRun = /\\{1,8}(?:[nrtbf/]|u[0-9A-Fa-f]{4})|([A-Za-z0-9+/=]{32,1024})/g

/**
 * The rest of a block whose BEGIN line ends at `from`: up to the end of its END line if nothing foreign is in between, else
 * only the base64. Quotes and brackets are never part of it, so JSON stays valid.
 */
function bodyOfPrivateKey(text: string, from: number): [start: number, end: number][] {
  const dashes = text.indexOf('-----', from)
  privateKeyEnd.lastIndex = dashes
  const end =
    dashes !== -1 && dashes - from <= privateKeyLengthMax ? privateKeyEnd.exec(text) : null
  if (end === null) {
    const lines = privateKeyLines.exec(text.slice(from, from + privateKeyLengthMax))
    return lines === null ? [] : [[from, from + lines[0].length]]
  }
  const body = text.slice(from, dashes)
  if (privateKeyBody.test(body)) return [[from, dashes + end[0].length]]
  return [...body.matchAll(privateKeyRun)].flatMap(({ index, 1: run }) =>
    run === undefined ? [] : [[from + index, from + index + run.length]],
  )
}

/** Values nested deeper than this become their JSON text, redacted, because a receiver reads no deeper. */
const depthMax = 32

/** Redacts name, status, events and links; the caller redacts the attributes. */
export function redactSpan(span: JournaledSpan): JournaledSpan {
  const { name, status, events, links } = span
  return {
    ...span,
    name: redact(name),
    ...defined({
      status:
        status?.message === undefined ? status : { ...status, message: redact(status.message) },
      events: events?.map((event) => ({
        ...event,
        name: redact(event.name),
        attributes: redactAttributes(event.attributes ?? {}),
      })),
      links: links?.map((link) => ({
        ...link,
        attributes: redactAttributes(link.attributes ?? {}),
      })),
    }),
  }
}

/** Redacts the body, severity text and event name; the caller redacts the attributes. */
export function redactLog(log: JournaledLog): JournaledLog {
  const { severityText, eventName } = log
  return {
    ...log,
    body: redactValue(log.body, 0),
    severityText: severityText === undefined ? undefined : redact(severityText),
    eventName: eventName === undefined ? undefined : redact(eventName),
  }
}

export function redactAttributes(attributes: Readonly<Record<string, unknown>>): SealedAttributes {
  return Object.fromEntries(
    Object.entries(attributes).map(([name, value]) => [redact(name), redactValue(value, 0)]),
  )
}

function redactValue(value: unknown, depth: number): unknown {
  if (typeof value === 'string') return redact(value)
  if (value instanceof Uint8Array) return redactBytes(value).bytes
  if (typeof value !== 'object' || value === null) return value
  if (depth >= depthMax) return redact(JSON.stringify(value, bigintAsText))
  if (Array.isArray(value)) return value.map((member) => redactValue(member, depth + 1))
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) => [redact(key), redactValue(member, depth + 1)]),
  )
}

function bigintAsText(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? value.toString() : value
}

function redact(text: string): string {
  return redactText(text).text
}

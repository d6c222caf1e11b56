/**
 * References to content that went out of line: `K.ref` in the place of an attribute `K`, `x.ref` in the place of a member
 * `x` inside JSON. Pure.
 */
import { type ContentHash, attributes as conventions, parseContentHash } from '@turnlog/conventions'

export interface ContentReference {
  readonly sha256: ContentHash
  /** Absent where the client does not say. */
  readonly size?: number
}

export const referenceSuffix = '.ref'

export const contentNames: ReadonlySet<string> = new Set(
  Object.entries(conventions)
    .filter(([, { type }]) => type === 'content')
    .map(([name]) => name),
)

/**
 * Contents that are JSON by nature, so that a quote inside their texts is escaped and `.ref"` ends a name. A tool's
 * result or a file may be any text, and is never read for references.
 */
const jsonContentNames: ReadonlySet<string> = new Set([
  'gen_ai.input.messages',
  'gen_ai.output.messages',
  'gen_ai.system_instructions',
  'gen_ai.tool.definitions',
  'gen_ai.tool.call.arguments',
])

export function mayHoldReferences(name: string): boolean {
  return jsonContentNames.has(name)
}

/** The contents of the members of this JSON that have gone out of line. As `turnlog_expand` looks for them. */
export function referencesIn(json: string): readonly ContentHash[] {
  if (!json.includes('.ref"')) return []
  const found = json.matchAll(/\.ref"\s*:\s*"(sha256:[0-9a-f]{64})"/g)
  return [...found].flatMap(([, hash]) => parseContentHash(hash) ?? [])
}

/** The reference that stands in the place of the member `name`. */
export function memberReference(object: object, name: string): ContentReference | undefined {
  const members = new Map<string, unknown>(Object.entries(object))
  const sha256 = parseContentHash(members.get(name + referenceSuffix))
  const size = members.get(`${name}.size`)
  if (sha256 === undefined || members.has(name)) return undefined
  return typeof size === 'number' && isSize(size) ? { sha256, size } : { sha256 }
}

export function isSize(size: number): boolean {
  return Number.isSafeInteger(size) && size >= 0
}

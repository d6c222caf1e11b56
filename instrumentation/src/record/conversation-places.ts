/**
 * The places in a request that name its conversation, as the setting `TELEMETRY_CONVERSATION_ID` lists them. Pure, and never
 * throws. A place is one of:
 *
 *     room.id                  a member of the JSON body or a field of the form; a dot leads into an object
 *     header:x-room            a header
 *     query:room               a parameter of the address
 *     path:/rooms/:id/say      the segment `:id` of the path; `*` is any segment, and more segments may follow
 */

export type ConversationPlace =
  | { readonly kind: 'field'; readonly members: readonly string[] }
  | { readonly kind: 'header'; readonly name: string }
  | { readonly kind: 'query'; readonly name: string }
  | { readonly kind: 'path'; readonly segments: readonly string[] }

const idSegment = ':id'

/** `undefined`: one of them is not understood. */
export function parseConversationPlaces(text: string): readonly ConversationPlace[] | undefined {
  const places = text.split(',').map((each) => parsePlace(each.trim()))
  return places.every((place) => place !== undefined) ? places : undefined
}

function parsePlace(text: string): ConversationPlace | undefined {
  const [, kind, name = ''] = /^(header|query|path):(.+)$/s.exec(text) ?? []
  if (kind === 'header') return { kind, name: name.toLowerCase() }
  if (kind === 'query') return { kind, name }
  if (kind === 'path') {
    const segments = segmentsOf(name)
    return segments.includes(idSegment) ? { kind, segments } : undefined
  }
  const members = text.split('.')
  return /^[\w$.-]+$/.test(text) && !members.includes('') ? { kind: 'field', members } : undefined
}

export interface RequestAddress {
  /** Path and query. */
  readonly url?: string | undefined
  readonly headers?: Readonly<Record<string, unknown>> | undefined
}

/** What the places say of one request. */
export interface NamedConversation {
  /** Members of the body that are tried before `id`. */
  readonly fields: readonly (readonly string[])[]
  readonly id: string | undefined
}

/** Tries the places in their order; the body is not known here. */
export function namedConversation(
  places: readonly ConversationPlace[],
  address: RequestAddress,
): NamedConversation {
  const fields: (readonly string[])[] = []
  for (const place of places) {
    if (place.kind === 'field') fields.push(place.members)
    else {
      const id = idAt(place, address)
      if (id !== undefined && id !== '') return { fields, id }
    }
  }
  return { fields, id: undefined }
}

function idAt(
  place: Exclude<ConversationPlace, { readonly kind: 'field' }>,
  { url = '', headers }: RequestAddress,
): string | undefined {
  if (place.kind === 'header') {
    const value = headers?.[place.name]
    return typeof value === 'string' ? value : undefined
  }
  const [path = '', query = ''] = url.split(/\?(.*)/s)
  if (place.kind === 'query') return new URLSearchParams(query).get(place.name) ?? undefined
  const segments = segmentsOf(path)
  const isMatch = place.segments.every((pattern, index) => {
    const segment = segments[index]
    if (segment === undefined) return false
    return pattern === '*' || pattern === idSegment || pattern === segment
  })
  return isMatch ? decoded(segments[place.segments.indexOf(idSegment)]) : undefined
}

export function segmentsOf(path: string): string[] {
  return path.split('/').filter((segment) => segment !== '')
}

/** A segment that is not encoded rightly is taken as it is. */
export function decoded(segment: string | undefined): string | undefined {
  try {
    return segment === undefined ? undefined : decodeURIComponent(segment)
  } catch {
    return segment
  }
}

/**
 * Which traces have a span that matches? Those with the newest matching span first.
 *
 * Time is searched backwards, in windows that double in length, until enough is found: most searches are for recent traces,
 * and a window reads only the partitions of its days. Reads no contents.
 */
import type { Reader, TeamRead } from '../database.ts'

export interface TraceSearch {
  /** Undefined: spans of any service, or of none. */
  readonly service?: { readonly name: string; readonly orNone: boolean } | undefined
  readonly operationName?: string | undefined
  /** Bounds of a span's start: nanoseconds since 1970, both inclusive. */
  readonly from: bigint
  readonly to: bigint
  /** Nanoseconds, inclusive. */
  readonly durationMin?: bigint | undefined
  readonly durationMax?: bigint | undefined
  /** One span has to fulfil, of each list, at least one alternative. */
  readonly conditions: readonly (readonly Condition[])[]
  readonly limit: number
}

/** The forms in which a value may be stored: text, JSON, or a reference to a content by its hash (`sha256:…`). */
export interface StoredForms {
  readonly texts: readonly string[]
  readonly json: string | undefined
  readonly hashes: readonly string[]
}

export type Condition =
  /** An attribute of the span, its resource, its scope, or one of its events or links. */
  | { readonly of: 'anything'; readonly key: string; readonly value: StoredForms }
  | { readonly of: 'resource'; readonly key: string; readonly value: StoredForms }
  | { readonly of: 'scope'; readonly member: 'name' | 'version'; readonly text: string }
  | { readonly of: 'user'; readonly userId: string }
  | { readonly of: 'kind'; readonly kind: number }
  | { readonly of: 'status'; readonly codes: readonly number[] }
  | { readonly of: 'status_message'; readonly text: string }
  | { readonly of: 'nothing' }

const firstWindow = 3_600_000_000_000n

export async function findTraces(
  database: Reader,
  options: TraceSearch & TeamRead,
): Promise<readonly string[]> {
  const { withinMs, signal, limit } = options
  const deadline = performance.now() + withinMs
  const found: string[] = []
  for (const window of windowsOf(options)) {
    const { text, parameters } = statementFor({
      ...options,
      ...window,
      limit: limit - found.length,
      found,
    })
    const leftMs = Math.max(1, Math.ceil(deadline - performance.now()))
    const rows = await database.read<{ traceId: string }>(text, parameters, {
      withinMs: leftMs,
      signal,
    })
    for (const { traceId } of rows) found.push(traceId)
    if (found.length >= limit) break
  }
  return found
}

/** Newest first, without gaps. */
export function* windowsOf({
  from,
  to,
}: Pick<TraceSearch, 'from' | 'to'>): Generator<{ from: bigint; to: bigint }> {
  let end = to
  let width = firstWindow
  while (end >= from) {
    const start = end - width < from ? from : end - width
    yield { from: start, to: end }
    end = start - 1n
    width *= 2n
  }
}

function statementFor(
  search: TraceSearch & { readonly teamId: string; readonly found: readonly string[] },
): { text: string; parameters: readonly unknown[] } {
  const parameters: unknown[] = []
  const put: Put = (value) => `$${parameters.push(value)}`
  const { service, operationName, durationMin, durationMax, found } = search
  const conditions = [
    `team_id = ${put(search.teamId)}`,
    // By the partitions' column, which a `Date` bounds in milliseconds; and then exactly.
    `start_time >= ${put(new Date(Number(search.from / 1_000_000n)))}`,
    `start_time <= ${put(new Date(Number(search.to / 1_000_000n) + 1))}`,
    `start_unix_nano between ${put(search.from)} and ${put(search.to)}`,
  ]
  if (service !== undefined) {
    const isNamed = `service_name = ${put(service.name)}`
    conditions.push(service.orNone ? `(service_name is null or ${isNamed})` : isNamed)
  }
  if (operationName !== undefined) conditions.push(`name = ${put(operationName)}`)
  if (durationMin !== undefined) {
    conditions.push(`end_unix_nano - start_unix_nano >= ${put(durationMin)}`)
  }
  if (durationMax !== undefined) {
    conditions.push(`end_unix_nano - start_unix_nano <= ${put(durationMax)}`)
  }
  if (found.length > 0) conditions.push(`trace_id <> all (${put(found)})`)
  for (const alternatives of search.conditions) {
    conditions.push(`(${alternatives.map((one) => textOf(one, put)).join(' or ')})`)
  }
  const text = `
    select trace_id as "traceId"
      from spans
     where ${conditions.join('\n       and ')}   -- index: spans_by_time
     group by trace_id
     order by max(start_unix_nano) desc, trace_id
     limit ${put(search.limit)}`
  return { text, parameters }
}

/** Adds a parameter, and returns its name in the statement. */
type Put = (value: unknown) => string

function textOf(condition: Condition, put: Put): string {
  switch (condition.of) {
    case 'user':
      return `user_id = ${put(condition.userId)}`
    case 'kind':
      return `kind = ${put(condition.kind)}`
    case 'status':
      return `status_code = any (${put(condition.codes)})`
    case 'status_message':
      return `status_message = ${put(condition.text)}`
    case 'scope':
      return `scope ->> ${put(condition.member)} = ${put(condition.text)}`
    case 'resource':
      return equalsOf(condition, put)('resource')
    case 'anything': {
      const equals = equalsOf(condition, put)
      return [
        equals('attributes'),
        equals('resource'),
        equals("(scope -> 'attributes')"),
        `(events is not null and exists (
            select from jsonb_array_elements(events) e where ${equals("(e -> 'attributes')")}))`,
        `(links is not null and exists (
            select from jsonb_array_elements(links) l where ${equals("(l -> 'attributes')")}))`,
      ].join(' or ')
    }
    case 'nothing':
      return 'false'
  }
}

/** SQL for: the object has this value under this key. The object's name must come from this file. */
function equalsOf(
  { key, value }: { readonly key: string; readonly value: StoredForms },
  put: Put,
): (object: string) => string {
  const name = put(key)
  const texts = put(value.texts)
  const hashes = put(value.hashes)
  const json = value.json === undefined ? undefined : put(value.json)
  return (object) =>
    [
      `${object} ->> ${name}::text = any (${texts}::text[])`,
      `${object} -> ${name}::text ->> 'turnlog.content' = any (${hashes}::text[])`,
      ...(json === undefined ? [] : [`${object} -> ${name}::text = ${json}::jsonb`]),
    ].join(' or ')
}

/** What a request says beside its body, as text. */
import type { FastifyRequest } from 'fastify'

/** One text, also where the header came more than once. */
export function headerOf(request: FastifyRequest, name: string): string | undefined {
  const value = request.headers[name]
  return Array.isArray(value) ? value.join(', ') : value
}

/** The values of a query or of a path's parameters, as far as each is one text. PostgreSQL takes no NUL. */
export function textsOf(values: unknown): ReadonlyMap<string, string> {
  if (typeof values !== 'object' || values === null) return new Map()
  return new Map(
    Object.entries(values).filter(
      (entry): entry is [string, string] =>
        typeof entry[1] === 'string' && entry[1] !== '' && !entry[1].includes('\0'),
    ),
  )
}

/** A request's headers, parameters and query as text. */
import { isObject } from '@turnlog/conventions/plain'
import type { FastifyRequest } from 'fastify'
import { landingDays, type Period } from '../period.ts'
import { malformed } from './refuse.ts'

/** A header that came more than once is joined by commas. */
export function headerOf(request: FastifyRequest, name: string): string | undefined {
  const value = request.headers[name]
  return Array.isArray(value) ? value.join(', ') : value
}

/** The values that are one text each, of a query or of a path's parameters. PostgreSQL takes no NUL. */
export function textsOf(values: unknown): ReadonlyMap<string, string> {
  if (!isObject(values)) return new Map()
  return new Map(
    Object.entries(values).filter(
      (entry): entry is [string, string] =>
        typeof entry[1] === 'string' && entry[1] !== '' && !entry[1].includes('\0'),
    ),
  )
}

/** A UTC day of which records may exist; undefined when none is named. */
export function parseLandingDay(text: string | undefined, period: Period): string | undefined {
  const days = landingDays(period)
  if (text === undefined || days.includes(text)) return text
  throw malformed(`day must be a day in UTC, YYYY-MM-DD, from ${days.at(-1)} to ${days[0]}.`)
}

/**
 * `GET /api/v1/attachments/{sha256}`: one content by its hash, whoever sent it. It is served slice by slice, as plain text
 * or as a download, never as the type it may claim to have.
 */
import { Readable } from 'node:stream'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { requireAccess } from '../http/access.ts'
import type { Capacity } from '../http/capacity.ts'
import { hexOf } from '../http/digest.ts'
import { headerOf, parseLandingDay, textsOf } from '../http/query.ts'
import { busy, type Exchange, malformed, refuse } from '../http/refuse.ts'
import { acceptsGzip, gzipped, isUnchanged, rangeOf } from '../http/representation.ts'
import type { Keeping } from '../keeping.ts'
import { landingDays, type Period } from '../period.ts'
import type { Database } from '../storage/database.ts'
import { findContent, readContent, sliceBytes } from '../storage/queries/attachment.ts'

export interface ServeOptions {
  readonly database: Database
  readonly capacity: Capacity
  /** Names besides loopback under which a signed-in browser may look. */
  readonly pageHosts: readonly string[]
  readonly keeping: Keeping
}

export async function serveAttachment(
  exchange: Exchange,
  options: ServeOptions,
): Promise<FastifyReply> {
  const { request, reply } = exchange
  const { database, capacity, pageHosts } = options
  const access = await requireAccess(exchange, { database, scopes: ['read'], pageHosts })
  if (access === undefined) return reply
  const { teamId } = access
  const { sha256, days } = readAddress(request, await options.keeping.period())
  const content = await findContent(database, { teamId, sha256, days })
  if (content === undefined) {
    const of = days.length === 1 ? ` of ${days[0]}` : ''
    const message = `There is no content sha256:${sha256}${of} here.`
    return refuse(exchange, { httpStatus: 404, message })
  }

  const { day, size, isText } = content
  const wanted = { range: headerOf(request, 'range'), ifRange: headerOf(request, 'if-range') }
  const range = rangeOf(wanted, { size, tag: sha256 })
  if (range.status === 'unsatisfiable') {
    reply.header('content-range', `bytes */${size}`)
    return refuse(exchange, { httpStatus: 416, message: `The content has ${size} bytes.` })
  }
  const { status, start, end } = range
  const isZipped = status === 'whole' && acceptsGzip(headerOf(request, 'accept-encoding'))
  const isHere = isUnchanged(headerOf(request, 'if-none-match'), sha256)
  const isRead = !isHere && request.method !== 'HEAD'
  const lease = capacity.open()
  // A slice exists as text, as bytes, and as what is being sent.
  if (isRead && !lease.take(Math.min(size, sliceBytes) * 4)) return refuse(exchange, busy)

  setContentHeaders(reply, { sha256, isText, isZipped })
  if (isHere) return reply.code(304).send()
  if (!isZipped) reply.header('content-length', end - start)
  if (status === 'part') {
    reply.code(206).header('content-range', `bytes ${start}-${end - 1}/${size}`)
  }
  if (!isRead) return reply.send()
  const stream = Readable.from(readContent(database, { teamId, day, sha256, start, end }))
  stream.once('close', () => lease.release())
  return reply.send(isZipped ? gzipped(stream) : stream)
}

function readAddress(request: FastifyRequest, period: Period) {
  const sha256 = hexOf(textsOf(request.params).get('sha256') ?? '')
  if (!sha256) throw malformed('A content is named by 64 hex digits, or `sha256:` and them.')
  const day = parseLandingDay(textsOf(request.query).get('day'), period)
  return { sha256, days: day === undefined ? landingDays(period) : [day] }
}

/** Browsers show the content as text or save it; they never run it, frame it or give it to a foreign page. */
function setContentHeaders(
  reply: FastifyReply,
  options: { readonly sha256: string; readonly isText: boolean; readonly isZipped: boolean },
): void {
  const { sha256, isText, isZipped } = options
  reply.headers({
    'content-type': isText ? 'text/plain; charset=utf-8' : 'application/octet-stream',
    'content-disposition': isText ? 'inline' : `attachment; filename="${sha256}.bin"`,
    'x-content-type-options': 'nosniff',
    'content-security-policy': "sandbox; default-src 'none'; frame-ancestors 'none'",
    'cross-origin-resource-policy': 'same-origin',
    'referrer-policy': 'no-referrer',
    // The content may be erased: a cache has to revalidate it.
    'cache-control': 'private, no-cache',
    'accept-ranges': 'bytes',
    vary: 'accept-encoding',
    etag: isZipped ? `W/"${sha256}"` : `"${sha256}"`,
    ...(isZipped ? { 'content-encoding': 'gzip' } : {}),
  })
}

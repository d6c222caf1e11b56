/**
 * `GET /api/v1/attachments/{sha256}`: a content by its hash, whoever brought it. Text, or a download, slice by slice; never
 * as what it may say it is.
 */
import { Readable } from 'node:stream'
import { createGzip } from 'node:zlib'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { acceptsGzip } from '../http/accepts-gzip.ts'
import { requireAccess } from '../http/access.ts'
import { busy, type Refusal } from '../http/body.ts'
import type { Capacity } from '../http/capacity.ts'
import { isUnchanged, rangeOf } from '../http/conditions.ts'
import { parseLandingDay } from '../http/day.ts'
import { hexOf } from '../http/digest.ts'
import { headerOf, textsOf } from '../http/query.ts'
import { refuse } from '../http/refuse.ts'
import type { Keeping } from '../keeping.ts'
import { landingDays, type Period } from '../period.ts'
import type { Database } from '../storage/index.ts'
import { findContent, readContent, sliceBytes } from '../storage/queries/attachment.ts'

export interface Serving {
  readonly request: FastifyRequest
  readonly reply: FastifyReply
  readonly database: Database
  readonly capacity: Capacity
  /** Names besides loopback under which a signed-in browser may look. */
  readonly pageHosts: readonly string[]
  readonly keeping: Keeping
}

export async function serveAttachment(options: Serving): Promise<FastifyReply> {
  const { request, reply, database, capacity, pageHosts } = options
  const access = await requireAccess(request, reply, { database, scopes: ['read'], pageHosts })
  if (access === undefined) return reply
  const { teamId } = access
  const asked = readQuestion(request, await options.keeping.period())
  if (asked.status === 'refused') return refuse(request, reply, asked.refusal)
  const { sha256, days } = asked
  const content = await findContent(database, { teamId, sha256, days })
  if (content === undefined) {
    const of = days.length === 1 ? ` of ${days[0]}` : ''
    const message = `There is no content sha256:${sha256}${of} here.`
    return refuse(request, reply, { httpStatus: 404, message })
  }

  const { day, size, isText } = content
  const wanted = { range: headerOf(request, 'range'), ifRange: headerOf(request, 'if-range') }
  const range = rangeOf(wanted, { size, tag: sha256 })
  if (range.status === 'unsatisfiable') {
    reply.header('content-range', `bytes */${size}`)
    return refuse(request, reply, { httpStatus: 416, message: `The content has ${size} bytes.` })
  }
  const { status, start, end } = range
  const isZipped = status === 'whole' && acceptsGzip(headerOf(request, 'accept-encoding'))
  const isHere = isUnchanged(headerOf(request, 'if-none-match'), sha256)
  const isRead = !isHere && request.method !== 'HEAD'
  const lease = capacity.open()
  // A slice as text, as bytes, and on its way.
  if (isRead && !lease.take(Math.min(size, sliceBytes) * 4)) return refuse(request, reply, busy)

  setContentHeaders(reply, { sha256, isText, isZipped })
  if (isHere) return reply.code(304).send()
  if (!isZipped) reply.header('content-length', end - start)
  if (status === 'part') {
    reply.code(206).header('content-range', `bytes ${start}-${end - 1}/${size}`)
  }
  if (!isRead) return reply.send()
  const stream = Readable.from(readContent(database, { teamId, day, sha256, start, end }))
  stream.once('close', () => lease.release())
  return reply.send(isZipped ? zipped(stream) : stream)
}

type Question =
  | { readonly status: 'asked'; readonly sha256: string; readonly days: readonly string[] }
  | { readonly status: 'refused'; readonly refusal: Refusal }

function readQuestion(request: FastifyRequest, period: Period): Question {
  const sha256 = hexOf(textsOf(request.params).get('sha256') ?? '')
  if (sha256 === undefined)
    return wrong('A content is named by 64 hex digits, or `sha256:` and them.')
  const day = parseLandingDay(textsOf(request.query).get('day'), period)
  if (day?.status === 'wrong') return wrong(day.reason)
  return { status: 'asked', sha256, days: day === undefined ? landingDays(period) : [day.day] }
}

function wrong(message: string): Question {
  return { status: 'refused', refusal: { httpStatus: 400, message } }
}

/** Shown as text or saved; never run, framed or read by a foreign page. */
function setContentHeaders(
  reply: FastifyReply,
  {
    sha256,
    isText,
    isZipped,
  }: { readonly sha256: string; readonly isText: boolean; readonly isZipped: boolean },
): void {
  reply.headers({
    'content-type': isText ? 'text/plain; charset=utf-8' : 'application/octet-stream',
    'content-disposition': isText ? 'inline' : `attachment; filename="${sha256}.bin"`,
    'x-content-type-options': 'nosniff',
    'content-security-policy': "sandbox; default-src 'none'; frame-ancestors 'none'",
    'cross-origin-resource-policy': 'same-origin',
    'referrer-policy': 'no-referrer',
    // It may be deleted: whoever keeps it asks again.
    'cache-control': 'private, no-cache',
    'accept-ranges': 'bytes',
    vary: 'accept-encoding',
    etag: isZipped ? `W/"${sha256}"` : `"${sha256}"`,
    ...(isZipped ? { 'content-encoding': 'gzip' } : {}),
  })
}

function zipped(stream: Readable): Readable {
  const gzip = createGzip()
  stream.on('error', (error) => gzip.destroy(error))
  gzip.on('close', () => stream.destroy())
  return stream.pipe(gzip)
}

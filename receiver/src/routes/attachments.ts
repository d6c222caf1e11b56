/**
 * `POST /api/v1/attachments`: one content that is too large for an event, known by its hash. It is read in bounded memory,
 * refused as soon as it exceeds its limit, and landed only when its hash is the stated one.
 */
import { createHash, webcrypto } from 'node:crypto'
import type { FastifyInstance, FastifyReply } from 'fastify'
import { requireAccess } from '../http/access.ts'
import { removeBodyParsers, withBody } from '../http/body.ts'
import { readDigests, type StatedDigests } from '../http/digest.ts'
import { parseLandingDay, textsOf } from '../http/query.ts'
import { busy, type Exchange, plainFormat, refuse, refuseOtherMethods } from '../http/refuse.ts'
import { dayFrom } from '../period.ts'
import { landAttachment } from '../storage/land/attachment.ts'
import { type ServeOptions, serveAttachment } from './serve-attachment.ts'

export interface AttachmentOptions extends ServeOptions {
  readonly attachmentBytesMax: number
  readonly onWell: () => void
}

const url = '/api/v1/attachments'

/** Needs the cookie plugin. */
export function attachmentRoutes(app: FastifyInstance, options: AttachmentOptions): void {
  const format = plainFormat
  removeBodyParsers(app)
  app.post(url, (request, reply) => receive({ request, reply, format }, options))
  refuseOtherMethods(app, url)
  for (const method of ['GET', 'HEAD'] as const) {
    app.route({
      method,
      url: `${url}/:sha256`,
      handler: (request, reply) => serveAttachment({ request, reply, format }, options),
    })
  }
}

async function receive(exchange: Exchange, options: AttachmentOptions): Promise<FastifyReply> {
  const { request, reply } = exchange
  const { database, capacity, attachmentBytesMax: bytesMax } = options
  const access = await requireAccess(exchange, { database, scopes: ['ingest', 'gateway'] })
  if (access === undefined) return reply
  const period = await options.keeping.landingPeriod()
  const stated = readDigests(request)
  const day = parseLandingDay(textsOf(request.query).get('day'), period)
  const sent = stated.ofEither === undefined ? undefined : createHash('sha256')
  if (sent) request.raw.on('data', (chunk: Buffer) => sent.update(chunk))
  return withBody(exchange, { capacity, bytesMax }, async (bytes, lease) => {
    // The bytes are copied once to join them, and once on their way to the database.
    if (!lease.take(2 * bytes.length)) return refuse(exchange, busy)
    const sha256 = await sha256Of(bytes)
    if (!matches(stated, { sha256, ofSent: () => sent?.digest('hex') })) {
      const message = `The content has another SHA-256 than stated: it is sha256:${sha256}.`
      return refuse(exchange, { httpStatus: 422, message })
    }
    const { days, isNew } = await landAttachment(database, {
      teamId: access.teamId,
      sha256,
      bytes,
      day: day ?? dayFrom(period.now, 0),
    })
    options.onWell()
    const ref = `sha256:${sha256}`
    reply.code(isNew ? 201 : 200).header('location', `${url}/${ref}`)
    return reply.send({ status: isNew ? 'landed' : 'duplicate', ref, size: bytes.length, days })
  })
}

function matches(
  { ofContent, ofEither }: StatedDigests,
  { sha256, ofSent }: { readonly sha256: string; readonly ofSent: () => string | undefined },
): boolean {
  if (!ofContent.every((one) => one === sha256)) return false
  return ofEither === undefined || ofEither === sha256 || ofEither === ofSent()
}

/** Computed off the main thread: 64 MiB take a while. */
async function sha256Of(bytes: Buffer<ArrayBuffer>): Promise<string> {
  const digest = await webcrypto.subtle.digest('SHA-256', Uint8Array.from(bytes))
  return Buffer.from(digest).toString('hex')
}

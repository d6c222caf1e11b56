/**
 * `POST /api/v1/attachments`: a content too large for an event, known by its hash. It is read in bounded memory, refused
 * above its limit as it comes, and landed only when it is what its hash says.
 */
import { createHash, webcrypto } from 'node:crypto'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { requireAccess } from '../http/access.ts'
import { busy, type Refusal, readBody, refusalOf } from '../http/body.ts'
import type { Capacity } from '../http/capacity.ts'
import { parseLandingDay } from '../http/day.ts'
import { readDigests } from '../http/digest.ts'
import { headerOf, textsOf } from '../http/query.ts'
import { readBodiesThemselves, refuse, refuseOtherMethods } from '../http/refuse.ts'
import type { Keeping } from '../keeping.ts'
import { dayFrom } from '../period.ts'
import type { Database } from '../storage/index.ts'
import { landAttachment } from '../storage/land/attachment.ts'
import { serveAttachment } from './serve-attachment.ts'

export interface AttachmentOptions {
  readonly database: Database
  readonly capacity: Capacity
  readonly attachmentBytesMax: number
  /** Names besides loopback under which a signed-in browser may look. */
  readonly pageHosts: readonly string[]
  readonly keeping: Keeping
  readonly onWell: () => void
}

const url = '/api/v1/attachments'

/** Needs the cookie plugin. */
export function attachmentRoutes(app: FastifyInstance, options: AttachmentOptions): void {
  readBodiesThemselves(app)
  app.post(url, (request, reply) => receive({ request, reply, ...options }))
  refuseOtherMethods(app, url)
  for (const method of ['GET', 'HEAD'] as const) {
    app.route({
      method,
      url: `${url}/:sha256`,
      handler: (request, reply) => serveAttachment({ request, reply, ...options }),
    })
  }
}

interface Handling extends AttachmentOptions {
  readonly request: FastifyRequest
  readonly reply: FastifyReply
}

async function receive(options: Handling): Promise<FastifyReply> {
  const { request, reply, database, capacity, attachmentBytesMax: bytesMax } = options
  const scopes = ['ingest', 'gateway'] as const
  const access = await requireAccess(request, reply, { database, scopes })
  if (access === undefined) return reply
  const query = textsOf(request.query)
  const period = await options.keeping.landingPeriod()
  const day = parseLandingDay(query.get('day'), period)
  const said = readDigests({
    sha256: query.get('sha256'),
    xContentSha256: headerOf(request, 'x-content-sha256'),
    contentDigest: headerOf(request, 'content-digest'),
  })
  if (said.status === 'wrong') return refuse(request, reply, wrong(said.reason))
  if (day?.status === 'wrong') return refuse(request, reply, wrong(day.reason))
  const lease = capacity.open()
  try {
    const sent = said.ofEither === undefined ? undefined : createHash('sha256')
    if (sent) request.raw.on('data', (chunk: Buffer) => sent.update(chunk))
    const read = await readBody(request.raw, { bytesMax, lease })
    if (read.status === 'aborted') return reply.hijack()
    if (read.status !== 'read') return refuse(request, reply, refusalOf(read, { bytesMax }))
    // It is copied once, put together, and once more on its way to the database.
    if (!lease.take(2 * read.body.length)) return refuse(request, reply, busy)
    const hash = await sha256Of(read.body)
    const isSaid =
      said.ofContent.every((one) => one === hash) &&
      (said.ofEither === undefined ||
        said.ofEither === hash ||
        said.ofEither === sent?.digest('hex'))
    if (!isSaid) {
      const message = `The content has another SHA-256 than was said: it is sha256:${hash}.`
      return refuse(request, reply, { httpStatus: 422, message })
    }
    const { days, isNew } = await landAttachment(database, {
      teamId: access.teamId,
      sha256: hash,
      bytes: read.body,
      day: day?.day ?? dayFrom(period.now, 0),
    })
    options.onWell()
    return reply
      .code(isNew ? 201 : 200)
      .header('location', `${url}/sha256:${hash}`)
      .send({
        status: isNew ? 'landed' : 'duplicate',
        ref: `sha256:${hash}`,
        size: read.body.length,
        days,
      })
  } finally {
    lease.release()
  }
}

/** Off the main thread: 64 MiB take a while. */
async function sha256Of(bytes: Buffer<ArrayBuffer>): Promise<string> {
  return Buffer.from(await webcrypto.subtle.digest('SHA-256', Uint8Array.from(bytes))).toString(
    'hex',
  )
}

function wrong(message: string): Refusal {
  return { httpStatus: 400, message }
}

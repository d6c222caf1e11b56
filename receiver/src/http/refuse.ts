/** Answers of the endpoints that speak plain JSON: why not, and when again. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { rpcCodeOf } from '../otlp/wire/respond.ts'
import type { Refusal } from './body.ts'

/** What is still being sent is read and thrown away, so that the answer is read. */
export function refuse(
  request: FastifyRequest,
  reply: FastifyReply,
  { httpStatus, message, retrySeconds }: Refusal,
): FastifyReply {
  request.raw.resume()
  if (retrySeconds !== undefined) reply.header('retry-after', String(retrySeconds))
  return reply.code(httpStatus).send({ code: rpcCodeOf(httpStatus), message })
}

/** Bodies are read by `readBody`, in bounded memory, never by a parser of the framework. */
export function readBodiesThemselves(app: FastifyInstance): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', (_request, _payload, done) => done(null))
}

const otherMethods = ['GET', 'HEAD', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const

/** Who asks an address that takes POST in another way is told so. */
export function refuseOtherMethods(app: FastifyInstance, url: string): void {
  app.route({
    method: [...otherMethods],
    url,
    handler: (request, reply) => {
      reply.header('allow', 'POST')
      return refuse(request, reply, { httpStatus: 405, message: `${url} takes POST.` })
    },
  })
}

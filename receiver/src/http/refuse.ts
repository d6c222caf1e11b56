/**
 * The one way to refuse a request: status, headers, and a body in the endpoint's own format.
 *
 * The rest of a body that is still being sent is read and discarded: a client reads the answer only after it has sent
 * everything.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'

/** A request, and how its endpoint writes failures. */
export interface Exchange {
  readonly request: FastifyRequest
  readonly reply: FastifyReply
  readonly format: FailureFormat
}

export interface Refusal {
  readonly httpStatus: number
  readonly message: string
  readonly retrySeconds?: number
}

/** Thrown by a handler to refuse its request; `refuseError` answers it. */
export class RefusedError extends Error {
  readonly refusal: Refusal

  constructor(refusal: Refusal) {
    super(refusal.message)
    this.refusal = refusal
  }
}

export interface Failure {
  readonly httpStatus: number
  /** The code of google.rpc for the status. */
  readonly rpcCode: number
  readonly message: string
}

export type FailureFormat = (
  failure: Failure,
  request: FastifyRequest,
) => { readonly contentType: string; readonly body: string | Buffer }

export const jsonType = 'application/json; charset=utf-8'

/** `google.rpc.Status` as JSON. */
export const plainFormat: FailureFormat = ({ rpcCode, message }) => ({
  contentType: jsonType,
  body: JSON.stringify({ code: rpcCode, message }),
})

/** Seconds after which a database that does not answer may answer again. */
export const unwellRetrySeconds = 5

/** Memory becomes free sooner than a database recovers. */
export const busy = {
  httpStatus: 503,
  message: 'Too much is being received at once.',
  retrySeconds: 1,
} as const satisfies Refusal

export function malformed(message: string): RefusedError {
  return new RefusedError(badRequest(message))
}

export function badRequest(message: string): Refusal {
  return { httpStatus: 400, message }
}

export function refuse(
  { request, reply, format }: Exchange,
  { httpStatus, message, retrySeconds }: Refusal,
): FastifyReply {
  request.raw.resume()
  if (retrySeconds !== undefined) reply.header('retry-after', String(retrySeconds))
  const failure = { httpStatus, rpcCode: rpcCodes[httpStatus] ?? unknownCode, message }
  const { contentType, body } = format(failure, request)
  return reply.code(httpStatus).header('content-type', contentType).send(body)
}

/**
 * Answers what a handler, or the framework before it, has thrown. What the framework refused is the client's fault; any
 * other error is the receiver's and may pass, so it is reported and answered 503 with `message`.
 */
export function refuseError(
  exchange: Exchange,
  error: unknown,
  options: { readonly message: string; readonly onUnwell: (error: unknown) => void },
): FastifyReply {
  if (error instanceof RefusedError) return refuse(exchange, error.refusal)
  const httpStatus = clientStatusOf(error)
  if (httpStatus !== undefined) {
    return refuse(exchange, { httpStatus, message: 'The request cannot be read.' })
  }
  options.onUnwell(error)
  const { message } = options
  return refuse(exchange, { httpStatus: 503, message, retrySeconds: unwellRetrySeconds })
}

/** The status of an error with which the framework refused a request. */
export function clientStatusOf(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('statusCode' in error)) return undefined
  const { statusCode } = error
  return typeof statusCode === 'number' && statusCode >= 400 && statusCode < 500
    ? statusCode
    : undefined
}

const otherMethods = ['GET', 'HEAD', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const

/** Answers 405 to every method but POST. */
export function refuseOtherMethods(app: FastifyInstance, url: string, format = plainFormat): void {
  app.route({
    method: [...otherMethods],
    url,
    handler: (request, reply) => {
      reply.header('allow', 'POST')
      return refuse({ request, reply, format }, { httpStatus: 405, message: `${url} takes POST.` })
    },
  })
}

const rpcCodes: Readonly<Record<number, number>> = {
  400: 3,
  401: 16,
  403: 7,
  404: 5,
  405: 12,
  413: 8,
  415: 3,
  416: 11,
  421: 3,
  422: 3,
  429: 8,
  503: 14,
}
const unknownCode = 2

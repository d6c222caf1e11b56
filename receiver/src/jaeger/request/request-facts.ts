/** What a request asks of Jaeger's API, whichever its version. */
import type { FastifyRequest } from 'fastify'
import type { ReadOptions } from '../read/read-contents.ts'
import type { Answer, ServeOptions } from './serve.ts'

export interface JaegerOptions extends Omit<ServeOptions, 'reader' | 'answers'> {
  readonly readsMax: number
  /** Bytes of one attribute that are shown whole. */
  readonly attributeBytesMax: number
  /** Where people reach this receiver, without a trailing slash; undefined: as the request did. */
  readonly publicUrl: string | undefined
  readonly now: () => Date
}

export interface RouteOptions extends JaegerOptions {
  get(url: string, answer: (asked: Asked) => Promise<Answer>): void
}

export interface Asked {
  /** Path and query as they were sent. */
  readonly url: string
  /** What stands in the place of the path's `*`, decoded. */
  readonly rest: string
  /** What links begin with. */
  readonly baseUrl: string
  readonly read: ReadOptions
}

export function askedOf(
  request: FastifyRequest,
  { publicUrl }: JaegerOptions,
): Omit<Asked, 'read'> {
  const params: unknown = request.params
  const isObject = typeof params === 'object' && params !== null
  const rest: unknown = isObject && '*' in params ? params['*'] : ''
  return {
    url: request.raw.url ?? '',
    rest: typeof rest === 'string' ? rest : '',
    baseUrl: publicUrl ?? baseUrlOf(request),
  }
}

/** As the client itself reached us; a name that is none gives links without one. */
function baseUrlOf({ headers, protocol }: FastifyRequest): string {
  const { host = '' } = headers
  return /^[\w.:[\]-]+$/.test(host) ? `${protocol}://${host}` : ''
}

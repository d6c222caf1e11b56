/** The form in which a client wants an answer (RFC 9110): coding, range, and whether it already has it. */
import { pipeline, type Readable } from 'node:stream'
import { createGzip, type ZlibOptions } from 'node:zlib'

/** Whether `Accept-Encoding` allows gzip. */
export function acceptsGzip(header: string | undefined): boolean {
  const codings = new Map(
    (header ?? '').split(',').map((one) => {
      const [coding = '', ...parameters] = one.split(';').map((part) => part.trim().toLowerCase())
      const quality = parameters.find((parameter) => parameter.startsWith('q='))?.slice(2)
      return [coding, quality === undefined ? 1 : Number(quality)] as const
    }),
  )
  return (codings.get('gzip') ?? codings.get('x-gzip') ?? codings.get('*') ?? 0) > 0
}

/** The stream, compressed. An error of either stream ends both; whoever sends the result sees it. */
export function gzipped(stream: Readable, options: ZlibOptions = {}): Readable {
  return pipeline(stream, createGzip(options), () => undefined)
}

export type Range =
  | { readonly status: 'whole' | 'part'; readonly start: number; readonly end: number }
  | { readonly status: 'unsatisfiable' }

/**
 * The one range of bytes that is asked for, without the byte at `end`. The answer is whole when several ranges or other
 * units are asked for, or when `If-Range` names another content.
 */
export function rangeOf(
  { range, ifRange }: { readonly range: string | undefined; readonly ifRange: string | undefined },
  { size, tag }: { readonly size: number; readonly tag: string },
): Range {
  const whole = { status: 'whole', start: 0, end: size } as const
  if (ifRange !== undefined && ifRange.trim() !== `"${tag}"`) return whole
  const match = /^\s*bytes\s*=\s*(\d*)-(\d*)\s*$/i.exec(range ?? '')
  const [, first = '', last = ''] = match ?? []
  if (match === null || (first === '' && last === '')) return whole
  if (first === '') {
    const count = Math.min(Number(last), size)
    if (count === 0) return { status: 'unsatisfiable' }
    return { status: 'part', start: size - count, end: size }
  }
  const start = Number(first)
  const end = last === '' ? size : Math.min(Number(last) + 1, size)
  // A range that ends before it begins is ignored (RFC 9110, 14.1.1).
  if (last !== '' && Number(last) < start) return whole
  return start >= size ? { status: 'unsatisfiable' } : { status: 'part', start, end }
}

/** True when `If-None-Match` names this content, in any coding. */
export function isUnchanged(header: string | undefined, tag: string): boolean {
  if (header === undefined) return false
  if (header.trim() === '*') return true
  return header.split(',').some((one) => one.trim().replace(/^W\//, '') === `"${tag}"`)
}

/** What a request for a content says about how it wants it: RFC 9110. Pure. */

export type Range =
  | { readonly status: 'whole' | 'part'; readonly start: number; readonly end: number }
  | { readonly status: 'unsatisfiable' }

/**
 * One range of bytes, `end` excluded; several, and other units, are answered with the whole, as is one that is wanted of
 * another content only (`If-Range`), whose rest this would not be.
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
  // A range that ends before it begins says nothing.
  if (last !== '' && Number(last) < start) return whole
  return start >= size ? { status: 'unsatisfiable' } : { status: 'part', start, end }
}

/** True when the client has it already, in whatever coding. */
export function isUnchanged(header: string | undefined, tag: string): boolean {
  if (header === undefined) return false
  if (header.trim() === '*') return true
  return header.split(',').some((one) => one.trim().replace(/^W\//, '') === `"${tag}"`)
}

/**
 * What is wrong with the parents of a trace's spans: some never came, and some clients send spans that are their own
 * parent, or parents in a circle. Viewers draw a tree from its roots, and would not draw these. Pure.
 */

interface Child {
  readonly spanId: string
  readonly parentSpanId: string | undefined
}

export interface Parents {
  /** Its parent must not be followed: each circle is opened at its first span, which so becomes a root. */
  isCircular(child: Child): boolean
  /** Its parent is not in the trace. */
  isMissing(child: Child): boolean
}

interface Place {
  readonly index: number
  readonly parentSpanId: string | null
}

/** Of spans with one id the first counts. */
export function openParents(
  spans: readonly { readonly spanId: string; readonly parentSpanId: string | null }[],
): Parents {
  const places = new Map<string, Place>()
  for (const [index, { spanId, parentSpanId }] of spans.entries()) {
    if (!places.has(spanId)) places.set(spanId, { index, parentSpanId })
  }
  const openings = openingsOf(places)
  return {
    isCircular: ({ spanId, parentSpanId }) =>
      parentSpanId !== undefined && (parentSpanId === spanId || openings.has(spanId)),
    isMissing: ({ parentSpanId }) => parentSpanId !== undefined && !places.has(parentSpanId),
  }
}

/** The first span of each circle. Every span is walked over once, and once more on a circle: it ends. */
function openingsOf(places: ReadonlyMap<string, Place>): ReadonlySet<string> {
  const openings = new Set<string>()
  const walkOf = new Map<string, string>()
  for (const start of places.keys()) {
    let at: string | null | undefined = start
    while (typeof at === 'string' && places.has(at) && !walkOf.has(at)) {
      walkOf.set(at, start)
      at = places.get(at)?.parentSpanId
    }
    // A walk that comes upon itself has gone around; one that comes upon another one's way has not.
    if (typeof at === 'string' && walkOf.get(at) === start) openings.add(firstOnCircle(places, at))
  }
  return openings
}

function firstOnCircle(places: ReadonlyMap<string, Place>, on: string): string {
  let first = on
  let at = places.get(on)?.parentSpanId
  while (typeof at === 'string' && at !== on) {
    if ((places.get(at)?.index ?? 0) < (places.get(first)?.index ?? 0)) first = at
    at = places.get(at)?.parentSpanId
  }
  return first
}

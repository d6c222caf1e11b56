/**
 * Finds the parents of a trace's spans that are missing or circular. Some parents never arrive, and some clients send spans
 * that are their own parents, or parents in a circle. Viewers draw a tree from its roots and would not draw these. Pure.
 */

interface Child {
  readonly spanId: string
  readonly parentSpanId: string | undefined
}

export interface Parents {
  /** True for the first span of each circle: a viewer has to ignore its parent, so that it becomes a root. */
  isCircular(child: Child): boolean
  /** True when the parent is not in the trace. */
  isMissing(child: Child): boolean
}

interface Node {
  readonly index: number
  readonly parentSpanId: string | null
}

/** Of several spans with one id the first counts. */
export function openParents(
  spans: readonly { readonly spanId: string; readonly parentSpanId: string | null }[],
): Parents {
  const nodes = new Map<string, Node>()
  for (const [index, { spanId, parentSpanId }] of spans.entries()) {
    if (!nodes.has(spanId)) nodes.set(spanId, { index, parentSpanId })
  }
  const openings = openingsOf(nodes)
  return {
    isCircular: ({ spanId, parentSpanId }) =>
      parentSpanId !== undefined && (parentSpanId === spanId || openings.has(spanId)),
    isMissing: ({ parentSpanId }) => parentSpanId !== undefined && !nodes.has(parentSpanId),
  }
}

/** The first span of each circle. A span is visited once, and once more when it is on a circle. */
function openingsOf(nodes: ReadonlyMap<string, Node>): ReadonlySet<string> {
  const openings = new Set<string>()
  const walkOf = new Map<string, string>()
  for (const start of nodes.keys()) {
    let at: string | null | undefined = start
    while (typeof at === 'string' && nodes.has(at) && !walkOf.has(at)) {
      walkOf.set(at, start)
      at = nodes.get(at)?.parentSpanId
    }
    // A walk that meets its own path has gone around a circle; one that meets an earlier walk's path has not.
    if (typeof at === 'string' && walkOf.get(at) === start) openings.add(firstOnCircle(nodes, at))
  }
  return openings
}

function firstOnCircle(nodes: ReadonlyMap<string, Node>, on: string): string {
  let first = on
  let at = nodes.get(on)?.parentSpanId
  while (typeof at === 'string' && at !== on) {
    if ((nodes.get(at)?.index ?? 0) < (nodes.get(first)?.index ?? 0)) first = at
    at = nodes.get(at)?.parentSpanId
  }
  return first
}

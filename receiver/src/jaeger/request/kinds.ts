/** Span kinds, as OTLP numbers them, and as Jaeger calls them. Pure. */
const names: readonly string[] = ['', 'internal', 'server', 'client', 'producer', 'consumer']

/** Empty for one that is unspecified, or has no name yet. */
export function nameOfKind(kind: number): string {
  return names[kind] ?? ''
}

/** Undefined for what is no kind. */
export function kindOf(name: string): number | undefined {
  const lower = name.toLowerCase()
  if (lower === 'unspecified') return 0
  const kind = names.indexOf(lower)
  return kind < 0 ? undefined : kind
}

/** What bounds a read; apart from what reads, since it is part of the package's types, and `pg` has none of its own. */
export interface ReadLimits {
  /** After it the statement is ended by the server, with SQLSTATE 57014. */
  readonly withinMs: number
  readonly signal?: AbortSignal | undefined
}

/** A file operation in the form the Changes routes answer. It is parsed here; other modules rely on its types. */

/** @typedef {Readonly<NonNullable<ReturnType<typeof parseChange>>>} Change */
/** @typedef {Readonly<NonNullable<ReturnType<typeof parseDecision>>>} Decision */
/** @typedef {'accept' | 'reject' | 'revert'} DecisionType */

/**
 * Keeps the entries that have an id, a path and a kind; other missing members are `undefined`.
 *
 * @param {unknown} body
 * @returns {readonly Change[] | undefined} undefined when the body is not a list of changes
 */
export function parseChanges(body) {
  if (!isRecord(body) || !Array.isArray(body.changes)) return undefined
  return body.changes.map(parseChange).filter((change) => change !== undefined)
}

/** @param {unknown} value */
export function parseChange(value) {
  if (!isRecord(value)) return undefined
  const { opId, path, opType } = value
  if (typeof opId !== 'string' || typeof path !== 'string' || typeof opType !== 'string') {
    return undefined
  }
  return {
    opId,
    path,
    /** `create`, `write`, `edit`, `delete` or `rename` */
    opType,
    /** of a rename */
    previousPath: string(value.previousPath),
    startedAt: string(value.startedAt),
    linesAdded: number(value.linesAdded),
    linesRemoved: number(value.linesRemoved),
    binary: value.binary === true,
    /** unified; absent where the list leaves it out */
    diff: string(value.diff),
    /** why there is no diff, such as `too_large` */
    diffOmitted: string(value.diffOmitted),
    decision: parseDecision(value.decision),
    toolName: string(value.toolName),
    /** `fs`, `process` or `api` */
    source: string(value.source),
    /** of a call that failed, and had changed the file */
    errorType: string(value.errorType),
    /** nothing shows which tool call, or which command, did it */
    isShared: value.isShared === true,
    /** something that is not recorded changed the file before this */
    isAfterGap: value.isAfterGap === true,
  }
}

/**
 * The type is `accept`, `reject` or `revert`, the outcome `kept`, `restored`, `restored_with_later_edits`, `conflict` or
 * `missing`.
 *
 * @param {unknown} value
 */
export function parseDecision(value) {
  if (!isRecord(value)) return undefined
  const { type, outcome } = value
  if (typeof type !== 'string' || typeof outcome !== 'string') return undefined
  return { type, outcome, decidedAt: string(value.decidedAt), source: string(value.source) }
}

/**
 * @param {unknown} value
 * @returns {value is Record<string, unknown>}
 */
export function isRecord(value) {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** @param {unknown} value */
export function string(value) {
  return typeof value === 'string' ? value : undefined
}

/** @param {unknown} value */
export function number(value) {
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined
}

/** A file operation in the form the Changes routes answer. It is parsed here; other modules rely on its types. */

/**
 * @typedef {object} Decision
 * @property {string} type `accept`, `reject` or `revert`
 * @property {string} outcome `kept`, `restored`, `restored_with_later_edits`, `conflict` or `missing`
 * @property {string | undefined} decidedAt
 * @property {string | undefined} source
 */

/**
 * @typedef {object} Change
 * @property {string} opId
 * @property {string} path
 * @property {string | undefined} previousPath of a rename
 * @property {string} opType `create`, `write`, `edit`, `delete` or `rename`
 * @property {string | undefined} startedAt
 * @property {number | undefined} linesAdded
 * @property {number | undefined} linesRemoved
 * @property {boolean} binary
 * @property {string | undefined} diff unified; absent where the list leaves it out
 * @property {string | undefined} diffOmitted why there is no diff, such as `too_large`
 * @property {Decision | undefined} decision
 * @property {string | undefined} toolName
 */

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

/**
 * @param {unknown} value
 * @returns {Change | undefined}
 */
export function parseChange(value) {
  if (!isRecord(value)) return undefined
  const { opId, path, opType } = value
  if (typeof opId !== 'string' || typeof path !== 'string' || typeof opType !== 'string') {
    return undefined
  }
  return {
    opId,
    path,
    opType,
    previousPath: string(value.previousPath),
    startedAt: string(value.startedAt),
    linesAdded: number(value.linesAdded),
    linesRemoved: number(value.linesRemoved),
    binary: value.binary === true,
    diff: string(value.diff),
    diffOmitted: string(value.diffOmitted),
    decision: parseDecision(value.decision),
    toolName: string(value.toolName),
  }
}

/**
 * @param {unknown} value
 * @returns {Decision | undefined}
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

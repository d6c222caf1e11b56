/** The panel's words for kinds, decisions, refusals and times. Pure. */

import { toVisible } from './visible-text.js'

/** @import { Change, Decision, DecisionType } from './change.js' */
/** @import { Refusal, Unreachable } from './changes-api.js' */

/** @type {Readonly<Record<string, string>>} */
const kinds = {
  create: 'Created',
  write: 'Written',
  edit: 'Edited',
  delete: 'Deleted',
  rename: 'Renamed',
}

/** @param {string} opType */
export function kindInWords(opType) {
  return kinds[opType] ?? toVisible(opType)
}

/**
 * Facts about the change that its diff does not show.
 *
 * @param {Change} change
 */
export function notesInWords({ source, errorType, isAfterGap, isShared }) {
  return [
    isAfterGap ? 'Something that is not recorded changed the file before this.' : undefined,
    source === 'process' ? 'A command changed it.' : undefined,
    isShared ? 'Another tool call or command may have done it.' : undefined,
    errorType === undefined ? undefined : `The call failed (${toVisible(errorType)}) half way.`,
  ].filter((note) => note !== undefined)
}

/** @type {Readonly<Record<DecisionType, string>>} */
export const verbs = { accept: 'Accept', reject: 'Reject', revert: 'Revert' }

/**
 * The decision in words, and its colour; undefined while the change is undecided.
 *
 * @param {Decision | undefined} decision
 * @returns {{ label: string, tone: 'kept' | 'refused' | 'restored' } | undefined}
 */
export function stateInWords(decision) {
  if (decision === undefined || isRefused(decision)) return undefined
  const { type, outcome } = decision
  if (outcome === 'restored_with_later_edits') {
    return { label: 'Reverted, later edits kept', tone: 'restored' }
  }
  if (type === 'revert') return { label: 'Reverted', tone: 'restored' }
  if (type === 'reject') {
    const label = outcome === 'restored' ? 'Rejected and reverted' : 'Rejected'
    return { label, tone: outcome === 'restored' ? 'restored' : 'refused' }
  }
  return type === 'accept' ? { label: 'Accepted', tone: 'kept' } : undefined
}

/**
 * The decisions that can still be made: all but the last one, and none once the file is restored.
 *
 * @param {Decision | undefined} decision
 * @returns {readonly DecisionType[]}
 */
export function choicesAfter(decision) {
  /** @type {readonly DecisionType[]} */
  const all = ['accept', 'reject', 'revert']
  if (decision === undefined || isRefused(decision)) return all
  return decision.outcome.startsWith('restored') ? [] : all.filter((type) => type !== decision.type)
}

/**
 * Whether the app refused to carry out the decision.
 *
 * @param {Decision} decision
 */
function isRefused({ outcome }) {
  return outcome === 'conflict' || outcome === 'missing'
}

/**
 * Says why a decision was not carried out.
 *
 * @param {Refusal | Unreachable} answer
 * @param {Change} change
 */
export function refusalInWords(answer, change) {
  if (answer.status === 'unreachable') return 'The app does not answer. Nothing was decided.'
  if (answer.code === 'not_found') return 'This change is no longer known. Nothing was decided.'
  const path = toVisible(change.path)
  const message = toVisible(answer.message) || `This was refused (${toVisible(answer.code)}).`
  if (answer.outcome === 'missing') return `${path}: ${message}`
  if (answer.outcome === 'conflict') {
    return `${path} was left as it is. ${message} ${difference(answer)}`.trim()
  }
  return message
}

/**
 * Says why there is no list.
 *
 * @param {Refusal | Unreachable} answer
 * @param {string} endpoint
 */
export function problemInWords(answer, endpoint) {
  if (answer.status === 'unreachable') return 'The app does not answer. Trying again.'
  if (answer.code === 'not_found' || answer.code === 'not_json') {
    return `${toVisible(endpoint)} is not served. Register its routes in the app’s backend: app.register(changesRoutes), from @turnlog/instrumentation/changes.`
  }
  return toVisible(answer.message) || `The app refuses to show changes (${toVisible(answer.code)}).`
}

/** @param {Refusal} refusal */
function difference({ onDisk, expected }) {
  if (onDisk === undefined || expected === undefined) return ''
  return `Expected ${stateOnDisk(expected)}, found ${stateOnDisk(onDisk)}.`
}

/** @param {string} state a hash, or a word */
function stateOnDisk(state) {
  if (state === 'absent') return 'no file'
  if (state === 'unknown') return 'content that was not kept'
  return toVisible(state.replace(/^sha256:([0-9a-f]{12})[0-9a-f]+$/, 'content $1'))
}

/**
 * @param {string | undefined} startedAt
 * @param {number} now in milliseconds
 */
export function ageInWords(startedAt, now) {
  const seconds = (now - Date.parse(startedAt ?? '')) / 1000
  if (Number.isNaN(seconds)) return ''
  if (seconds < 60) return 'just now'
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h ago`
  return new Date(startedAt ?? '').toLocaleDateString(undefined, { month: 'short', day: 'numeric' })
}

/** @param {number} count */
export function openInWords(count) {
  return count === 0 ? '' : `${count} to review`
}

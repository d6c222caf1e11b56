/** Requests to the Changes routes. Nothing here throws: a refusal and an app that does not answer are values. */

import { isRecord, number, parseChange, parseChanges, parseDecision, string } from './change.js'

/** @import { Change, Decision, DecisionType } from './change.js' */

/** After this time the app counts as unreachable. */
const answerWithinMs = 15_000

/**
 * @typedef {object} Refusal
 * @property {'refused'} status
 * @property {string} code `not_found`, `not_json`, or what the server calls it
 * @property {string | undefined} [outcome] of a refused decision: `conflict` or `missing`
 * @property {string} message to show; empty when the server gives none
 * @property {string | undefined} [onDisk] the state of the file now: a hash, or `absent`
 * @property {string | undefined} [expected] the state in which the decision could be carried out
 */

/** @typedef {{ status: 'unreachable' }} Unreachable */

/**
 * @typedef {object} RecentChanges
 * @property {'ok'} status
 * @property {readonly Change[]} changes newest first
 * @property {number} total how many there are, listed or not
 * @property {number | undefined} undecided how many of all are undecided; absent when all are listed
 */

/** @typedef {ReturnType<typeof createChangesApi>} ChangesApi */

/** @param {string} endpoint such as `/api/changes` */
export function createChangesApi(endpoint) {
  const base = endpoint.replace(/\/+$/, '')

  return {
    /**
     * @param {number} limit
     * @param {AbortSignal} signal
     * @returns {Promise<RecentChanges | Refusal | Unreachable>}
     */
    async recent(limit, signal) {
      const answer = await ask(`${base}/recent?limit=${limit}`, { signal })
      if (answer.status !== 'ok') return answer
      const { body } = answer
      const changes = parseChanges(body)
      if (changes === undefined || !isRecord(body)) return notTheRoutes
      const total = number(body.total) ?? changes.length
      return { status: 'ok', changes, total, undecided: number(body.undecided) }
    },

    /**
     * @param {string} opId
     * @param {AbortSignal} signal
     * @returns {Promise<{ status: 'ok', change: Change } | Refusal | Unreachable>}
     */
    async one(opId, signal) {
      const answer = await ask(`${base}/${encodeURIComponent(opId)}`, { signal })
      if (answer.status !== 'ok') return answer
      const change = parseChange(answer.body)
      return change === undefined ? notTheRoutes : { status: 'ok', change }
    },

    /**
     * Takes no signal: the app carries out a decision once it is sent, whether or not the answer is awaited.
     *
     * @param {string} opId
     * @param {DecisionType} type
     * @returns {Promise<{ status: 'ok', decision: Decision } | Refusal | Unreachable>}
     */
    async decide(opId, type) {
      const answer = await ask(`${base}/${encodeURIComponent(opId)}/${type}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: '{}',
      })
      if (answer.status !== 'ok') return answer
      const decision = parseDecision(isRecord(answer.body) ? answer.body.decision : undefined)
      return decision === undefined ? notTheRoutes : { status: 'ok', decision }
    },
  }
}

/** @type {Refusal} */
const notTheRoutes = {
  status: 'refused',
  code: 'unexpected',
  message: 'The answer does not come from the Changes routes.',
}
/** Some apps answer every unknown address with their page. @type {Refusal} */
const notJson = { status: 'refused', code: 'not_json', message: 'The answer is not JSON.' }

/**
 * @param {string} url
 * @param {RequestInit & { signal?: AbortSignal }} options
 * @returns {Promise<{ status: 'ok', body: unknown } | Refusal | Unreachable>}
 */
async function ask(url, { signal, ...options }) {
  const timeout = AbortSignal.timeout(answerWithinMs)
  try {
    const response = await fetch(url, {
      ...options,
      cache: 'no-store',
      signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
    })
    const body = await response.json().catch(() => undefined)
    if (!response.ok) return refusal(response.status, body)
    return body === undefined ? notJson : { status: 'ok', body }
  } catch {
    return { status: 'unreachable' }
  }
}

/**
 * @param {number} status
 * @param {unknown} body
 * @returns {Refusal}
 */
function refusal(status, body) {
  const { error, outcome, onDisk, expected } = isRecord(body) ? body : {}
  const { code, message } = isRecord(error) ? error : {}
  return {
    status: 'refused',
    code: status === 404 ? 'not_found' : (string(code) ?? `http_${status}`),
    outcome: string(outcome),
    message: string(message) ?? '',
    onDisk: string(onDisk),
    expected: string(expected),
  }
}

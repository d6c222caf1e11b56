/** The Changes routes, asked over HTTP; each answer is a value, also when there is none. */

import { isRecord, parseChange, parseChanges, parseDecision, string } from './change.js'

/** @import { Change, Decision, DecisionType } from './change.js' */

/** An app that does not answer within this time is taken for gone. */
const answerWithinMs = 15_000

/**
 * @typedef {object} Refusal
 * @property {'refused'} status
 * @property {string} code `not_found`, or what the server calls it
 * @property {string | undefined} outcome of a decision that was refused: `conflict`, `missing`
 * @property {string} message for a person; empty when the server gives none
 * @property {string | undefined} onDisk what is there now: a hash, or `absent`
 * @property {string | undefined} expected what would have to be there
 */

/** @typedef {{ status: 'unreachable' }} Unreachable */

/** @typedef {ReturnType<typeof createChangesApi>} ChangesApi */

/** @param {string} endpoint such as `/api/changes` */
export function createChangesApi(endpoint) {
  const base = endpoint.replace(/\/+$/, '')

  return {
    /**
     * @param {AbortSignal} signal
     * @returns {Promise<{ status: 'ok', changes: readonly Change[] } | Refusal | Unreachable>}
     */
    async recent(signal) {
      const answer = await ask(`${base}/recent`, { signal })
      if (answer.status !== 'ok') return answer
      const changes = parseChanges(answer.body)
      return changes === undefined ? notTheRoutes : { status: 'ok', changes }
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
     * Asked without a signal: a decision once sent is made, whoever still waits for it.
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
  outcome: undefined,
  message: 'The answer does not come from the Changes routes.',
  onDisk: undefined,
  expected: undefined,
}

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
    return response.ok ? { status: 'ok', body } : refusal(response.status, body)
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

/** Whose model call it is, from what it sends. Candidates are stand-ins. */
import { expect, test } from 'vitest'
import { anthropicMessages } from '../../src/models/anthropic/api.ts'
import { turnOfCall } from '../../src/observe/turn-of-call.ts'
import { Candidate } from '../../src/record/candidate.ts'
import type { InferredCall } from '../../src/record/tool-calls.ts'

interface Facts {
  readonly hasAnswered?: boolean
  readonly isUnanswered?: boolean
  readonly path?: string
}

function candidate(message: string | undefined, facts: Facts = {}): Candidate {
  const members = {
    requestText: message === undefined ? undefined : JSON.stringify({ message }),
    contentType: 'application/json',
    path: '/api/chat',
    address: undefined,
    isEnded: false,
    hasAnswered: false,
    isUnanswered: false,
    ...facts,
  }
  const made: Candidate = Object.create(Candidate.prototype)
  for (const [name, value] of Object.entries({ ...members, turn: made })) {
    Object.defineProperty(made, name, { value })
  }
  return made
}

const [one, two, same] = [candidate('one'), candidate('two'), candidate('two')]
const over = candidate('one', { hasAnswered: true })

function turnOf(texts: readonly string[], own: Candidate | undefined, open: Candidate[]) {
  const messages = texts.map((content) => ({ role: 'user', content }))
  const body = Buffer.from(JSON.stringify({ messages }))
  return turnOfCall({ api: anthropicMessages, body, answered: [], own, open })
}

test('a call is its context’s if it has that user’s words, or nobody’s', () => {
  expect(turnOf(['one'], one, [one, two])).toBe(one)
  expect(turnOf(['something else'], one, [one, two])).toBe(one)
  expect(turnOf(['two', 'one'], one, [one, two])).toBe(one)
})

test('a call with the words of exactly one other user is that one’s', () => {
  expect(turnOf(['two'], one, [one, two])).toBe(two)
  expect(turnOf(['two'], undefined, [one, two])).toBe(two)
  expect(turnOf(['one', 'two'], one, [one, two])).toBe(two)
  expect(turnOf(['twofold'], one, [one, two])).toBe(one)
})

test('a call with the words of several others is nobody’s', () => {
  expect(turnOf(['two'], one, [one, two, same])).toBe('ambiguous')
})

test('a user whose response has ended is asked last', () => {
  expect(turnOf(['one'], over, [one])).toBe('ambiguous')
  expect(turnOf(['one'], over, [two])).toBe(over)
})

test('the model API that the app serves itself repeats a call, and is no user', () => {
  const served = candidate('two', { path: '/v1/messages' })
  expect(turnOf(['two'], one, [one, served])).toBe(one)
})

test('a call that brings results is the turn’s that asked for them', () => {
  const answered = (...owners: Candidate[]) =>
    owners.map((owner) => ({ id: 'x', owner }) as unknown as InferredCall)
  const sent = { api: anthropicMessages, body: Buffer.from('{}'), own: one, open: [one, two] }
  expect(turnOfCall({ ...sent, answered: answered(two) })).toBe(two)
  expect(turnOfCall({ ...sent, answered: answered(one, two) })).toBe(one)
  expect(turnOfCall({ ...sent, answered: answered(two, same) })).toBe('ambiguous')
  const waiting = candidate('two', { isUnanswered: true })
  expect(turnOfCall({ ...sent, answered: answered(waiting) })).toBe(one)
})

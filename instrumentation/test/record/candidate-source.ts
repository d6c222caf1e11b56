/** Opens candidates that record into a stand-in, with the timers of the test. */

import { type ApprovalReader, Candidate } from '../../src/record/candidate.ts'
import type { CandidateFacts } from '../../src/record/candidate-facts.ts'
import { createDelayedEnds } from '../../src/record/delayed-ends.ts'
import { OpenCandidates } from '../../src/record/open-candidates.ts'
import type { Recorder } from '../../src/record/recorder.ts'
import { WaitingTurns } from '../../src/record/waiting-turns.ts'

export function createCandidates(recorder: Recorder) {
  const after = (ms: number, callback: () => void) => {
    const timer = setTimeout(callback, ms)
    return { cancel: () => clearTimeout(timer) }
  }
  const delayedEnds = createDelayedEnds(after)
  const waitingTurns = new WaitingTurns(delayedEnds.after)
  const approvals: ApprovalReader = { continued: () => undefined, read: () => undefined }
  const parts = {
    recorder,
    agent: 'app',
    now: Date.now,
    after,
    delayedEnd: delayedEnds.after,
    waitingTurns,
    approvals,
    open: new OpenCandidates(),
    conversationPlaces: [],
  }
  return {
    approvals,
    delayedEnds,
    waitingTurns,
    open: (facts: Partial<CandidateFacts> = {}) =>
      new Candidate(
        { transport: 'rest', startedAt: Date.now(), endIsKnown: true, ...facts },
        parts,
      ),
  }
}

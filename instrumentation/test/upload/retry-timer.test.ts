import { expect, test } from 'vitest'
import { RetryTimer } from '../../src/upload/retry.ts'

/** A clock that a test moves: each wait that was started, and whether it was cancelled. */
function startTimer() {
  const waits: { ms: number; end: () => void; isCancelled: boolean }[] = []
  let retries = 0
  const timer = new RetryTimer({
    backoff: { firstMs: 1_000, maxMs: 3_000 },
    retry: () => {
      retries += 1
    },
    after: (ms, end) => {
      const wait = { ms, end, isCancelled: false }
      waits.push(wait)
      return {
        cancel: () => {
          wait.isCancelled = true
        },
      }
    },
    random: () => 0.5,
  })
  return { timer, waits, retries: () => retries }
}

test('each further failure waits twice as long, up to the limit; a success begins anew', () => {
  const { timer, waits, retries } = startTimer()
  for (let n = 0; n < 4; n += 1) {
    timer.failed()
    expect(timer.isWaiting).toBe(true)
    waits.at(-1)?.end()
    expect(timer.isWaiting).toBe(false)
  }
  timer.succeeded()
  timer.failed()
  expect(waits.map(({ ms }) => ms)).toEqual([1_000, 2_000, 3_000, 3_000, 1_000])
  expect(retries()).toBe(4)
})

test('failures during a wait start no second timer, a success stops the one that runs', () => {
  const { timer, waits } = startTimer()
  timer.failed()
  timer.failed()
  expect(waits).toHaveLength(1)
  timer.succeeded()
  expect([timer.isWaiting, waits[0]?.isCancelled]).toEqual([false, true])
})

test('its timer does not hold the process', () => {
  const before = process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length
  const timer = new RetryTimer({ backoff: { firstMs: 60_000, maxMs: 60_000 }, retry: () => {} })
  timer.failed()
  const after = process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length
  timer.succeeded()
  expect(after).toBe(before)
})

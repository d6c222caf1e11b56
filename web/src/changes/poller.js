/**
 * Repeats some work with a pause after each run. The pause doubles after each failure, up to 30 s.
 *
 * Nothing runs while the page is hidden; the work runs at once when the page is visible again.
 */

const pauseMaxMs = 30_000

/** @typedef {ReturnType<typeof createPoller>} Poller */

/**
 * @param {object} options
 * @param {() => number} options.pauseMs read before each pause; 0 means no repetition
 * @param {(signal: AbortSignal) => Promise<boolean>} options.work resolves to whether it succeeded; never rejects
 */
export function createPoller({ pauseMs, work }) {
  /** @type {AbortController | undefined} */
  let running
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer
  let failures = 0

  async function run() {
    clearTimeout(timer)
    running?.abort()
    const own = new AbortController()
    running = own
    const succeeded = await work(own.signal)
    // The poller was stopped, or a newer run replaced this one.
    if (running !== own) return
    failures = succeeded ? 0 : Math.min(failures + 1, 8)
    const pause = Math.min(pauseMs() * 2 ** failures, Math.max(pauseMaxMs, pauseMs()))
    if (pause > 0 && !document.hidden) timer = setTimeout(run, pause)
  }

  function onVisibility() {
    clearTimeout(timer)
    if (!document.hidden) void run()
  }

  return {
    start() {
      document.addEventListener('visibilitychange', onVisibility)
      void run()
    },

    /** Runs now and restarts the pause. Does nothing when stopped. */
    now() {
      if (running !== undefined) void run()
    },

    stop() {
      document.removeEventListener('visibilitychange', onVisibility)
      clearTimeout(timer)
      running?.abort()
      running = undefined
    },
  }
}

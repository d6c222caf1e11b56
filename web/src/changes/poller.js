/**
 * Runs some work again and again: once at the start, then each time the pause after the last run is over.
 *
 * Paused while the page is hidden, and run at once when it is seen again. After failures the pause doubles.
 */

const pauseMaxMs = 30_000

/** @typedef {ReturnType<typeof createPoller>} Poller */

/**
 * @param {object} options
 * @param {() => number} options.pauseMs read before each pause; 0 is no repetition
 * @param {(signal: AbortSignal) => Promise<boolean>} options.work answers whether it went well; never rejects
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
    const went = await work(own.signal)
    // Stopped, or overtaken by a run asked for meanwhile, which goes on instead.
    if (running !== own) return
    failures = went ? 0 : Math.min(failures + 1, 8)
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

    /** Runs now; the pause begins anew. Nothing when it is stopped. */
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

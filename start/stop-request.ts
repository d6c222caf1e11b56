/** How often we check whether npm still runs. */
const parentWatchedEveryMs = 500

/**
 * Aborts on Ctrl-C or another signal (npm passes signals on, so each comes twice), and when the npm that runs this script has
 * ended: after that, no signal would reach us.
 */
export function untilStopRequested(script: string): AbortSignal {
  const stop = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const) {
    process.on(signal, () => stop.abort())
  }
  if (process.env.npm_lifecycle_event === script) {
    const parent = process.ppid
    setInterval(() => {
      if (process.ppid !== parent) stop.abort()
    }, parentWatchedEveryMs).unref()
  }
  return stop.signal
}

/** Resolves once the signal is aborted. */
export function aborted(signal: AbortSignal): Promise<undefined> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(undefined)
    signal.addEventListener('abort', () => resolve(undefined), { once: true })
  })
}

/** npm is not asked whether it still lives more often than this. */
const parentWatchedEveryMs = 500

/**
 * Aborts when we are to stop: by Ctrl-C or another signal (npm passes them on, so they come twice), or since the npm
 * that started us to run this script is gone, killed perhaps: then nobody would ever stop us.
 */
export function untilToldToStop(script: string): AbortSignal {
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

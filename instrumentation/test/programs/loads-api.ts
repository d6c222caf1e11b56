/** Loads the API, and has no turn. It runs until it is killed. */
import '@turnlog/instrumentation'

setInterval(() => undefined, 60_000)

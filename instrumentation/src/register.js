/**
 * `node --import @turnlog/instrumentation/register app.js`
 *
 * Plain JavaScript, since any version of Node may load it, also one that cannot run the rest: then it does nothing.
 * Whatever fails here, the app starts as without it.
 */
import { createRequire } from 'node:module'
import { workerData } from 'node:worker_threads'

// Not `import`, which is asynchronous: a module loaded with `--require` cannot wait.
const require = createRequire(import.meta.url)

/** The oldest Node that OpenTelemetry's packages support; for unbuilt sources, the oldest that runs TypeScript. */
const isSupported = import.meta.url.includes('/src/')
  ? Boolean(Reflect.get(process.features, 'typescript')) &&
    !isOlderThan(process.versions.node, 22, 18)
  : !isOlderThan(process.versions.node, 22, 15)

if (isSupported && workerData?.turnlogSealingWorker !== true) {
  try {
    const { readConfig } = require('./config.ts')
    const config = readConfig()
    if (config.isEnabled) {
      const { start } = require('./start.ts')
      start(config, import.meta.filename)
    }
  } catch (cause) {
    report(cause)
  }
}

/**
 * @param {string} version
 * @param {number} major
 * @param {number} minor
 */
function isOlderThan(version, major, minor) {
  const [ownMajor = 0, ownMinor = 0] = version.split('.').map(Number)
  return ownMajor < major || (ownMajor === major && ownMinor < minor)
}

/** @param {unknown} cause */
function report(cause) {
  try {
    const { diag } = require('@opentelemetry/api')
    diag.error('turnlog: could not start', cause)
  } catch {
    // There is no logger to report to.
  }
}

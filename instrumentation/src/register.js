/**
 * `node --import @turnlog/instrumentation/register app.js`
 *
 * Plain JavaScript, since it is loaded by whatever Node runs the app, also by one that cannot run the rest: then it
 * gets out of the way. Whatever fails here, the app starts as without it.
 */
import { createRequire } from 'node:module'
import { workerData } from 'node:worker_threads'

// Not `import`: what is loaded with `--require`, too, cannot wait for anything.
const require = createRequire(import.meta.url)

/** The floor of the OpenTelemetry packages; unbuilt, as in the repository, that of Node's own TypeScript support. */
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
      start(config)
    }
  } catch (cause) {
    tell(cause)
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
function tell(cause) {
  try {
    const { diag } = require('@opentelemetry/api')
    diag.error('turnlog: could not start', cause)
  } catch {
    // Nobody to tell.
  }
}

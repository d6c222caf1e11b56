/**
 * `node --import @turnlog/instrumentation/register app.js`
 *
 * Plain JavaScript, since it is loaded by whatever Node runs the app, also by one that cannot run the rest: then it
 * gets out of the way. Whatever fails here, the app starts as without it.
 */
import { workerData } from 'node:worker_threads'

/** The floor of the OpenTelemetry packages (22.15), and of the built-in TypeScript support they are loaded with here. */
const isSupported =
  Boolean(Reflect.get(process.features, 'typescript')) &&
  !isOlderThan(process.versions.node, 22, 18)

if (isSupported && workerData?.turnlogSealingWorker !== true) {
  try {
    const { readConfig } = await import('./config.ts')
    const config = readConfig()
    if (config.isEnabled) {
      const { start } = await import('./start.ts')
      start(config)
    }
  } catch (cause) {
    await tell(cause)
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
async function tell(cause) {
  try {
    const { diag } = await import('@opentelemetry/api')
    diag.error('turnlog: could not start', cause)
  } catch {
    // Nobody to tell.
  }
}

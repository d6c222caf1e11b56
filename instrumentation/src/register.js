/**
 * `node --import @turnlog/instrumentation/register app.js`
 *
 * Plain JavaScript, since any version of Node may load it, also one that cannot run the rest: then it prints one line when there
 * would be something to record, and does nothing else. Whatever fails here, the app starts as without it.
 */
import { createRequire } from 'node:module'
import { workerData } from 'node:worker_threads'
import { isSwitchedOff, notice, noticeWhenUsed } from './notice.js'

// Not `import`, which is asynchronous: a module loaded with `--require` cannot wait.
const require = createRequire(import.meta.url)
const isBuilt = !import.meta.url.includes('/src/')

/** The oldest Node that OpenTelemetry's packages support; for unbuilt sources, the oldest that runs TypeScript. */
const oldest = isBuilt ? [22, 15] : [22, 18]

if (workerData?.turnlogSealingWorker !== true && !isSwitchedOff(process.env)) {
  if (isSupported()) startRecording()
  else {
    const versions = `Node ${process.versions.node} is older than ${oldest.join('.')}`
    noticeWhenUsed(`Nothing is recorded: ${versions}. Run the app with a newer Node.`)
  }
}

function isSupported() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  const [oldestMajor = 0, oldestMinor = 0] = oldest
  const isNewEnough = major > oldestMajor || (major === oldestMajor && minor >= oldestMinor)
  return isNewEnough && (isBuilt || Boolean(Reflect.get(process.features, 'typescript')))
}

function startRecording() {
  try {
    const { readConfig } = require('./config.ts')
    const config = readConfig()
    if (!config.isEnabled) return
    const { start } = require('./start.ts')
    start(config, { preload: import.meta.filename, notice })
  } catch (cause) {
    report(cause)
  }
}

/** @param {unknown} cause */
function report(cause) {
  const reason = cause instanceof Error ? cause.message : String(cause)
  notice(`Nothing is recorded: it could not start (${reason}). ${adviceFor(reason)}`)
  try {
    const { diag } = require('@opentelemetry/api')
    diag.error('turnlog: could not start', cause)
  } catch {
    // There is no logger to report to.
  }
}

/** @param {string} reason */
function adviceFor(reason) {
  const api = '@opentelemetry/api'
  if (!reason.includes(api))
    return 'Install @turnlog/instrumentation again, or set TELEMETRY_ENABLED=0.'
  try {
    return `Install ${api} ${require('../package.json').peerDependencies[api]}.`
  } catch {
    return `Install the version of ${api} that @turnlog/instrumentation names.`
  }
}

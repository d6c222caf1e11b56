/**
 * The one line that this package may print, on standard error: if nothing can be recorded at all, or a setting cannot mean what
 * was meant. Plain JavaScript, since any version of Node may load it.
 *
 * It is printed when there is something to record, or if the preload itself fails: a process that only starts others, such as npm,
 * npx or tsc, prints none because of its Node or a setting. A process
 * prints it once; its threads do not, and neither does a child that gets the environment of a process that has printed the same.
 */
import { createHash } from 'node:crypto'
import * as channels from 'node:diagnostics_channel'
import { writeSync } from 'node:fs'
import { isMainThread } from 'node:worker_threads'

const lengthMax = 1_000
/** Has the hash of the line that a process has printed, for its children. */
const printedVariable = 'TURNLOG_NOTICED'
/** The ends of the paths of model APIs: `models/` cannot be loaded where this is needed. */
const modelPath =
  /(?:\/messages|\/chat\/completions|\/responses|\/conversations|\/converse(?:-stream)?|\/invoke(?:-with-response-stream)?|\/api\/(?:chat|generate)|\/v2\/chat|:(?:streamG|g)enerateContent|:(?:streamR|r)awPredict)(?:\?|$)/

let isPrinted = false

/**
 * Prints what is wrong and what to do about it, unless a line was printed already.
 *
 * @param {string} text
 */
export function notice(text) {
  try {
    const { env } = process
    if (isPrinted || !isMainThread || isOn(env.TELEMETRY_QUIET)) return
    isPrinted = true
    const hash = createHash('sha256').update(text).digest('hex').slice(0, 16)
    if (env[printedVariable] === hash) return
    // Settings are quoted in it: no sign of theirs may end the line, or steer a terminal.
    const line = `turnlog: ${text} (TELEMETRY_QUIET=1 hides this line.)`.replace(/\p{C}+/gu, ' ')
    const shown = line.length > lengthMax ? `${line.slice(0, lengthMax)}…` : line
    // Not `process.stderr`, which would be made here and now instead of when the app first uses it.
    writeSync(2, `${shown}\n`)
    env[printedVariable] = hash
  } catch {
    // Nobody can be told.
  }
}

/**
 * The same on a Node that cannot run the rest of this package: as soon as a web server of the app gets a request, or the app sends one to a
 * model API.
 *
 * @param {string} text
 */
export function noticeWhenUsed(text) {
  const served = 'http.server.request.start'
  const names = [served, 'http.client.request.start', 'undici:request:create']
  /**
   * @param {unknown} message
   * @param {string | symbol} name
   */
  const see = (message, name) => {
    if (name !== served && !isForModel(message)) return
    for (const each of names) channels.channel(each).unsubscribe(see)
    notice(text)
  }
  try {
    for (const name of names) channels.channel(name).subscribe(see)
  } catch {
    // Nobody can be told.
  }
}

/** @param {unknown} message */
function isForModel(message) {
  try {
    const { method, path } = /** @type {{ request: Record<string, unknown> }} */ (message).request
    return method === 'POST' && typeof path === 'string' && modelPath.test(path)
  } catch {
    return false
  }
}

/**
 * Whether the app was started with everything switched off. As `config.ts` has it, for a Node that cannot load that.
 *
 * @param {NodeJS.ProcessEnv} environment
 */
export function isSwitchedOff({ TELEMETRY_ENABLED: enabled = '', OTEL_SDK_DISABLED: disabled }) {
  return /^(?:0|false|no|off)$/i.test(enabled.trim()) || disabled?.trim() === 'true'
}

/** @param {string | undefined} flag */
function isOn(flag = '') {
  return /^(?:1|true|yes|on)$/i.test(flag.trim())
}

/**
 * The one line that this package may print, on standard error: if nothing can be recorded at all, or a setting cannot mean what
 * was meant. Plain JavaScript, since any version of Node may load it.
 *
 * A process prints it once; its threads do not, and neither does a child whose parent has printed the same, which is known on
 * Linux, and of forked children.
 */
import { readFileSync, readlinkSync, writeSync } from 'node:fs'
import { isMainThread } from 'node:worker_threads'

const lengthMax = 1_000
/** How far up a parent is looked for. */
const ancestorsMax = 16
/** Names this preload on a command line, or in `NODE_OPTIONS`. */
const preloadMark = /turnlog[^\0]*register|instrumentation\/(?:src|dist)\/(?:cjs\/)?register\.js/
/** What decides whether there is something to print. */
const decisive = /^(?:TELEMETRY_|OTEL_|XDG_STATE_HOME=|HOME=)/i

let isPrinted = false

/**
 * Prints what is wrong and what to do about it, unless a line was printed already.
 *
 * @param {string} text
 */
export function notice(text) {
  try {
    if (isPrinted || !isMainThread || isOn(process.env.TELEMETRY_QUIET)) return
    isPrinted = true
    if (hasParentPrinted()) return
    // Settings are quoted in it: no sign of theirs may end the line, or steer a terminal.
    const line = `turnlog: ${text} (TELEMETRY_QUIET=1 hides this line.)`.replace(/\p{C}+/gu, ' ')
    const shown = line.length > lengthMax ? `${line.slice(0, lengthMax)}…` : line
    // Not `process.stderr`, which would be made here and now instead of when the app first uses it.
    writeSync(2, `${shown}\n`)
  } catch {
    // Nobody can be told.
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

function hasParentPrinted() {
  if (process.platform !== 'linux') return process.channel !== undefined
  const own = decisiveIn(entriesOf('self', 'environ'))
  const program = readlinkSync('/proc/self/exe')
  let pid = process.ppid
  for (let count = 0; count < ancestorsMax && pid > 1; count += 1) {
    if (isLike(pid, program, own)) return true
    pid = parentOf(pid)
  }
  return false
}

/**
 * Whether the process runs the same Node with this preload and the same settings.
 *
 * @param {number} pid
 * @param {string} program
 * @param {string} own
 */
function isLike(pid, program, own) {
  try {
    if (readlinkSync(`/proc/${pid}/exe`) !== program) return false
    const environment = entriesOf(pid, 'environ')
    const options = environment.find((entry) => entry.startsWith('NODE_OPTIONS=')) ?? ''
    const hasPreload = [...entriesOf(pid, 'cmdline'), options].some((each) =>
      preloadMark.test(each),
    )
    return hasPreload && decisiveIn(environment) === own
  } catch {
    // Another user's.
    return false
  }
}

/** @param {readonly string[]} environment */
function decisiveIn(environment) {
  return environment
    .filter((entry) => decisive.test(entry))
    .sort()
    .join('\0')
}

/**
 * @param {number | 'self'} pid
 * @param {'environ' | 'cmdline'} file
 */
function entriesOf(pid, file) {
  return readFileSync(`/proc/${pid}/${file}`, 'utf8').split('\0')
}

/** @param {number} pid */
function parentOf(pid) {
  try {
    // The name of the program stands before it in parentheses, and may have any sign in it.
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1])
  } catch {
    return 0
  }
}

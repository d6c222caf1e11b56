/**
 * The host's side of the sender: a process of its own that seals and sends what is in the spool when a recorded process ends,
 * because the sealing worker ends with its process, and a short process has ended before it has sent anything. The sender runs the
 * worker's code (`worker.ts`).
 *
 * It is started at the exit of the process, by its main thread, if this process has records, no other living recorder of the
 * destination will send them, and no other sender is at work. It has no terminal, pipe or descriptor of the host, is in a session of
 * its own, and ends by itself (`sender.ts`).
 */
import { ChildProcess } from 'node:child_process'
import * as os from 'node:os'
import * as path from 'node:path'
import { isObject, parseObject } from '@turnlog/conventions/plain'
import { attempt, type FileSystem, namesIn } from '../file-system.ts'
import { livesAnother } from './neighbours.ts'
import type { SenderData, WorkerConfig, WorkerData } from './protocol.ts'
import { SenderMark } from './sender-mark.ts'

const senderVariable = 'TURNLOG_SENDER'
const workerFile = path.join(
  import.meta.dirname,
  import.meta.url.endsWith('.ts') ? 'worker.ts' : 'worker.js',
)
/** What the host's own Node is to do, or is to write when it ends. */
const ofHostOnly = ['NODE_OPTIONS', 'NODE_V8_COVERAGE', 'NODE_REDIRECT_WARNINGS']
/** A process that uses 500 MB has ended by then. */
const waitSeconds = 0.2
/** Descriptors that are looked at. Of others, the sender may hold what the host's parent has opened. */
const descriptorsMax = 256
const descriptorMax = 1_023
const closesOnExec = 0o2000000

/** Taken before anything is observed, so that the sender is none of the host's child processes. */
const { execPath } = process
const spawnChild: unknown = Reflect.get(ChildProcess.prototype, 'spawn')

export interface SenderProcessOptions {
  readonly fileSystem: FileSystem
  readonly data: WorkerData
  /** Milliseconds since 1970. */
  readonly now: () => number
}

/** Starts the sender, if one is needed. For the main thread at its exit, after its recorder has ended. Throws what goes wrong. */
export function startSender({ fileSystem, data, now }: SenderProcessOptions): void {
  const { directory, config } = data
  if (config.endpoint === undefined && config.otlp === undefined) return
  if (!isPlainNode() || livesAnother(fileSystem, directory)) return
  const mark = new SenderMark({ fileSystem, directory, now })
  if (!mark.claim()) return
  const pid = spawnSender(fileSystem, { ...data, config: ofWorker(config), host: process.pid })
  if (pid === undefined) mark.release()
  else mark.passTo(pid)
}

/** In the sender: what it is to do. Removed from its environment. */
export function takeSenderData(environment: NodeJS.ProcessEnv): SenderData {
  const data = parseObject(environment[senderVariable] ?? '')
  delete environment[senderVariable]
  if (!isSenderData(data)) throw new Error(`${senderVariable} is missing`)
  return data
}

function isSenderData(value: unknown): value is SenderData {
  return isObject(value) && typeof value.directory === 'string' && isObject(value.config)
}

/** The program of this process is Node, and runs the file that it is given. A bundled app would start itself again. */
function isPlainNode(): boolean {
  const sea: unknown = process.getBuiltinModule('node:sea')
  const isSea: unknown = isObject(sea) && typeof sea.isSea === 'function' && sea.isSea()
  return isSea !== true && process.versions.electron === undefined && !('pkg' in process)
}

/** Not all settings of the process: they are passed on in the environment. */
function ofWorker(config: WorkerConfig): WorkerConfig {
  const { contentBytesMax, inlineBytesMax, keptBytesMax, keptDaysMax, resendAfterSeconds } = config
  const { endpoint, otlp, receiver, receiverToken, token } = config
  const limits = { contentBytesMax, inlineBytesMax, keptBytesMax, keptDaysMax, resendAfterSeconds }
  return { ...limits, endpoint, otlp, receiver, receiverToken, token }
}

/** The id of the process, if it could be started. */
function spawnSender(fileSystem: FileSystem, data: SenderData): number | undefined {
  const nothing = fileSystem.openSync(os.devNull, 'r+')
  try {
    const options = {
      envPairs: environmentPairs(data),
      // No folder of the host's is in use by it.
      cwd: path.parse(execPath).root,
      stdio: descriptorsFor(fileSystem, nothing),
      detached: true,
      windowsHide: true,
    }
    const command = [execPath, workerFile]
    const pid =
      process.platform === 'win32' ? undefined : spawn({ ...options, ...waiting(command) })
    return pid ?? spawn({ ...options, file: execPath, args: command })
  } finally {
    fileSystem.closeSync(nothing)
  }
}

/** Starting Node takes the CPU that the host needs to end: a shell, which becomes it, waits so long. */
function waiting(command: readonly string[]) {
  const script = `sleep ${waitSeconds}; exec "$0" "$@"`
  return { file: '/bin/sh', args: ['sh', '-c', script, ...command] }
}

/** `options` are those that Node itself passes on. */
function spawn(options: Readonly<Record<string, unknown>>): number | undefined {
  const child = new ChildProcess()
  // Without a listener a failure would be the host's, if it goes on.
  child.on('error', () => undefined)
  if (typeof spawnChild === 'function') Reflect.apply(spawnChild, child, [options])
  child.unref()
  return child.pid
}

/** The proxies and certificates that the environment names are those of the sender, too. */
function environmentPairs(data: SenderData): string[] {
  const pairs = Object.entries(process.env)
    .filter(([name]) => !ofHostOnly.includes(name.toUpperCase()))
    .map(([name, value]) => `${name}=${value}`)
  return [...pairs, `${senderVariable}=${JSON.stringify(data)}`]
}

/**
 * `nothing` in place of everything that the sender would inherit: a pipe whose reader waits for its end, or a file that is locked
 * as long as it is open. Node closes its own descriptors, but not each that it has itself inherited. On Linux the system says which; macOS
 * closes all.
 */
function descriptorsFor(fileSystem: FileSystem, nothing: number): (number | 'ignore')[] {
  const list: (number | 'ignore')[] = [nothing, nothing, nothing]
  if (process.platform !== 'linux') return list
  const folder = '/proc/self/fdinfo'
  const open = attempt(() => namesIn(fileSystem, folder)) ?? []
  for (const name of open.slice(0, descriptorsMax)) {
    const descriptor = Number(name)
    if (descriptor < 3 || descriptor > descriptorMax) continue
    const text = attempt(() => fileSystem.readFileSync(path.join(folder, name), 'utf8')) ?? ''
    const flags = Number.parseInt(/^flags:\s*([0-7]+)/m.exec(text)?.[1] ?? '', 8)
    if (Number.isNaN(flags) || (flags & closesOnExec) !== 0) continue
    while (list.length < descriptor) list.push('ignore')
    list[descriptor] = nothing
  }
  return list
}

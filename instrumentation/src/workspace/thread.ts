/**
 * The workspace thread: keeps the index of the workspace, and compares it when a child process has ended. It never keeps
 * the host alive. Its priority is the host's: a look that comes late sees less.
 *
 * All messages that have come are handled with one look at the disk. Contents are read in between, `readSliceMs` at a
 * time.
 */
import { type MessagePort, receiveMessageOnPort, workerData } from 'node:worker_threads'
import { type FileSystem, originalFs } from '../file-system.ts'
import { quietly } from '../health.ts'
import { hasRecorders, recordedByChildren } from '../record/child-report.ts'
import { Copies } from './copies.ts'
import { LeftProcesses } from './left-processes.ts'
import {
  type ComparedChild,
  type FromThread,
  progress,
  type ToThread,
  type WorkspaceThreadData,
} from './protocol.ts'
import { Scanner } from './scan.ts'
import { type Comparison, WorkspaceIndex } from './workspace-index.ts'

const readSliceMs = 10
/** How much longer the first look takes than others. */
const firstLookTimes = 4
/** Between two slices of reading. Otherwise the host, which uses the same disk, would be slower meanwhile. */
const readPauseMs = 10
/** How long this thread rests at a time. */
const forkMsMax = 20
/** While a model answers, looks are at most a second, or twenty times their own length, apart; this is five of them. */
const trustedMsMin = 5_000
const trustedLooks = 100
/** Changes in one message, so that the host parses it in less than a millisecond. */
const changesPerMessage = 100

const { port, ...data }: WorkspaceThreadData & { readonly port: MessagePort } = workerData

const { workspace, ownFolders, limits, contentBytesMax } = data
const cells = new Int32Array(data.progress)
const now = (): number => Date.now()
/** Rests before each look at a file, if the host forks: a fork takes longer while another thread works. */
const fileSystem: FileSystem = {
  ...originalFs,
  get lstatSync() {
    if (Atomics.load(cells, progress.forking) === 1) {
      Atomics.wait(cells, progress.forking, 1, forkMsMax)
    }
    return originalFs.lstatSync
  },
}
const common = { fileSystem, now }
const index = new WorkspaceIndex({
  ...common,
  hear,
  changesMax: limits.changesMax,
  trustedMs: () => Math.max(trustedMsMin, trustedLooks * lookMs),
  scanner: new Scanner({
    ...common,
    workspace,
    ownFolders,
    filesMax: limits.filesMax,
    timeMsMax: limits.lookMsMax,
    pause() {
      hear()
      measureFirst()
    },
  }),
  copies: new Copies({
    ...common,
    folder: data.copies,
    contentBytesMax,
    bytesMax: limits.copiedBytesMax,
    hasNativeCode: () => data.nativeCode.some((loaded) => loaded !== 0),
  }),
})

type Start = Extract<ToThread, { type: 'open' }>
type End = Extract<ToThread, { type: 'compare' }>

/** The report folders of children, by id. */
const reports = new Map<number, string>()
const heard = new WeakSet<Start>()
/** Children that the host has not started. */
let starting: Start[] = []
const ends = new WeakMap<End, number | undefined>()
const left = new LeftProcesses({
  fileSystem: originalFs,
  ownPid: process.pid,
  onGone(id) {
    waiting.push({ type: 'compare', n: handled, id, endedAt: now(), livesOn: false })
    schedule()
  },
})
let waiting: ToThread[] = []
let isScheduled = false
let handled = 0
const encoder = new TextEncoder()
/** Milliseconds of the looks that count. */
let lookTimes: number[] = []
let lookStartedAt = 0
let lookMs = 0

port.on('message', (message: ToThread) => {
  waiting.push(message)
  schedule()
})

/**
 * The app's own changes, and the begins and ends of children, count before what a look has seen: it began before them, and may
 * have come to their files after them.
 */
function hear(): void {
  for (let next = receiveMessageOnPort(port); next; next = receiveMessageOnPort(port)) {
    waiting.push(next.message)
  }
  beginStarted()
  waiting = waiting.filter((message) => !hasHeard(message))
}

/** Whether the message needs no comparison. One that does may be heard again, which changes nothing. */
function hasHeard(message: ToThread): boolean {
  if (message.type === 'writing') index.writing(message.path, message.before)
  else if (message.type === 'saw') index.saw(message.path, message.now)
  else if (message.type === 'own') for (const change of message.changes) index.ownChange(change)
  else {
    if (message.type === 'serves') {
      index.serves(message.id, message.since)
      return true
    }
    if (message.type === 'open') hearStart(message)
    else if (message.type === 'compare') endOf(message)
    return false
  }
  return true
}

function hearStart(start: Start): void {
  if (heard.has(start)) return
  heard.add(start)
  starting.push(start)
  beginStarted()
}

/** While the host waits for a look, the child has not started. `lookedAfter`: the message after which the workspace was looked at. */
function beginStarted(lookedAfter = 0): void {
  const awaited = Atomics.load(cells, progress.awaited)
  const isAwaited = ({ n }: Start): boolean => n === awaited && n > lookedAfter
  for (const start of starting) if (!isAwaited(start)) index.begin(start)
  starting = starting.filter(isAwaited)
}

/** `undefined`: the child lives on, or what it has left behind. */
function endOf(message: End): number | undefined {
  const { id, endedAt, mark, pid = 0 } = message
  if (endedAt === undefined) return undefined
  if (!ends.has(message)) {
    const hasLeft = mark !== undefined && left.look(id, mark, pid)
    ends.set(message, hasLeft ? undefined : endedAt)
    if (hasLeft) index.weaken(id, { hasExited: true, hasLeft: true })
    else index.end(id, endedAt)
  }
  return ends.get(message)
}

function schedule(): void {
  if (isScheduled) return
  isScheduled = true
  setImmediate(() => {
    isScheduled = false
    quietly('compare the workspace', work)
    if (waiting.length > 0) schedule()
    else if (index.unread > 0) setTimeout(schedule, readPauseMs)
  })
}

function work(): void {
  const messages = waiting
  waiting = []
  const children = new Map<number, number | undefined>()
  const weakened: Extract<ToThread, { type: 'weaken' }>[] = []
  let number = 0
  for (const message of messages) {
    if (message.type === 'weaken') weakened.push(message)
    else receive(message, children)
    if ('n' in message) number = message.n
  }
  if (number > 0) {
    lookStartedAt = now()
    for (const folder of new Set([...children.keys()].map((id) => reports.get(id)))) {
      if (folder !== undefined) index.recordedElsewhere(recordedByChildren(folder))
    }
    for (const [id, endedAt] of children) if (endedAt !== undefined) reports.delete(id)
    const isFirst = index.isEmpty
    // A child that has ended is then forgotten.
    const compared = [...children].map(([id, endedAt]) => ({
      id,
      hasEnded: endedAt !== undefined,
      lookAgeMs: index.lookAgeOf(id),
    }))
    const comparison = index.compare(children)
    beginStarted(number)
    if (children.size > 0) send(compared, comparison)
    handled = number
    const tookMs = now() - lookStartedAt
    lookTimes = [...lookTimes.slice(-1), isFirst ? tookMs / firstLookTimes : tookMs]
    setLookMs(Math.min(...lookTimes))
    report(progress.unread, index.unread)
    report(progress.looked, number)
  }
  // What was compared now was done before.
  for (const { id, facts } of weakened) index.weaken(id, facts)
  index.read(readSliceMs, isAwaited)
  if (index.unread === 0) report(progress.read, handled)
}

/** The host waits for a look that has not begun. */
function isAwaited(): boolean {
  return Atomics.load(cells, progress.awaited) > handled
}

/** The first look shows how long looks take before it has ended. */
function measureFirst(): void {
  if (index.isEmpty) setLookMs((now() - lookStartedAt) / firstLookTimes)
}

function setLookMs(ms: number): void {
  lookMs = Math.max(1, Math.floor(ms))
  report(progress.lookMs, lookMs)
}

function receive(
  message: Exclude<ToThread, { type: 'weaken' }>,
  children: Map<number, number | undefined>,
): void {
  switch (message.type) {
    case 'open':
      hearStart(message)
      if (message.reports !== undefined) reports.set(message.id, message.reports)
      return
    case 'compare':
      if (!message.livesOn || !mayReport(message.id)) {
        children.set(message.id, endOf(message) ?? children.get(message.id))
      }
      return
    case 'forget':
      left.forget(message.id)
      index.forgetChild(message.id)
      reports.delete(message.id)
      return
    case 'serves':
    case 'saw':
    case 'writing':
    case 'own':
      hasHeard(message)
      return
    case 'look':
  }
}

function mayReport(id: number): boolean {
  const folder = reports.get(id)
  return folder !== undefined && hasRecorders(folder)
}

function send(children: readonly ComparedChild[], { changes, skips, ...rest }: Comparison): void {
  for (let first = 0; first < changes.length; first += changesPerMessage) {
    const json = encoder.encode(JSON.stringify(changes.slice(first, first + changesPerMessage)))
    port.postMessage({ type: 'changes', json } satisfies FromThread, [json.buffer])
  }
  const report = {
    ...rest,
    skips: [...skips.counts],
    excludedFolders: skips.folders,
  }
  post({ type: 'compared', children, report })
}

function post(message: FromThread): void {
  port.postMessage(message)
}

function report(cell: number, value: number): void {
  Atomics.store(cells, cell, value)
  Atomics.notify(cells, cell)
}

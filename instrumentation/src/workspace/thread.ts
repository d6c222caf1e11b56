/**
 * The workspace thread: keeps the index of the workspace, and compares it when a child process has ended. It never keeps
 * the host alive. Its priority is the host's: a look that comes late sees less.
 *
 * All messages that have come are handled with one look at the disk. Contents are read in between, `readSliceMs` at a
 * time.
 */
import { type MessagePort, receiveMessageOnPort, workerData } from 'node:worker_threads'
import { originalFs } from '../file-system.ts'
import { quietly } from '../health.ts'
import { hasRecorders, recordedByChildren } from '../record/child-report.ts'
import { Copies } from './copies.ts'
import { type FromThread, progress, type ToThread, type WorkspaceThreadData } from './protocol.ts'
import { Scanner } from './scan.ts'
import { type Comparison, type Start, WorkspaceIndex } from './workspace-index.ts'

const readSliceMs = 20
/** Changes in one message, so that the host parses it in less than a millisecond. */
const changesPerMessage = 100

const { port, ...data }: WorkspaceThreadData & { readonly port: MessagePort } = workerData

const { workspace, ownFolders, limits, contentBytesMax } = data
const cells = new Int32Array(data.progress)
const now = (): number => Date.now()
const common = { fileSystem: originalFs, now }
const index = new WorkspaceIndex({
  ...common,
  hear,
  changesMax: limits.changesMax,
  scanner: new Scanner({
    ...common,
    workspace,
    ownFolders,
    filesMax: limits.filesMax,
    timeMsMax: limits.lookMsMax,
  }),
  copies: new Copies({
    ...common,
    folder: data.copies,
    contentBytesMax,
    bytesMax: limits.copiedBytesMax,
    hasNativeCode: () => data.nativeCode.some((loaded) => loaded !== 0),
  }),
})

/** The report folders of children, by id. */
const reports = new Map<number, string>()
let waiting: ToThread[] = []
let isScheduled = false
let handled = 0
const encoder = new TextEncoder()
/** Milliseconds of the looks that count. */
let lookTimes: number[] = []

port.on('message', (message: ToThread) => {
  waiting.push(message)
  schedule()
})

/** The app's own changes count before what a look has seen. */
function hear(): void {
  for (let next = receiveMessageOnPort(port); next; next = receiveMessageOnPort(port)) {
    waiting.push(next.message)
  }
  waiting = waiting.filter((message) => !hasHeard(message))
}

function hasHeard(message: ToThread): boolean {
  if (message.type === 'writing') index.writing(message.path, message.before)
  else if (message.type === 'own') for (const change of message.changes) index.ownChange(change)
  else return false
  return true
}

function schedule(): void {
  if (isScheduled) return
  isScheduled = true
  setImmediate(() => {
    isScheduled = false
    quietly('compare the workspace', work)
    if (waiting.length > 0 || index.hasUnread) schedule()
  })
}

function work(): void {
  const messages = waiting
  waiting = []
  const children = new Map<number, number | undefined>()
  const weakened: Extract<ToThread, { type: 'weaken' }>[] = []
  const starts: Start[] = []
  let number = 0
  for (const message of messages) {
    if (message.type === 'weaken') weakened.push(message)
    else receive(message, { children, starts })
    if ('n' in message) number = message.n
  }
  if (number > 0) {
    const startedAt = now()
    for (const folder of new Set([...children.keys()].map((id) => reports.get(id)))) {
      if (folder !== undefined) index.recordedElsewhere(recordedByChildren(folder))
    }
    for (const [id, endedAt] of children) if (endedAt !== undefined) reports.delete(id)
    const isFirst = index.isEmpty
    const comparison = index.compare(children, starts)
    if (children.size > 0) send(children, comparison)
    handled = number
    if (!isFirst) {
      lookTimes = [...lookTimes.slice(-1), Math.max(1, now() - startedAt)]
      report(progress.lookMs, Math.min(...lookTimes))
    }
    report(progress.looked, number)
  }
  // What was compared now was done before.
  for (const { id, facts } of weakened) index.weaken(id, facts)
  index.read(readSliceMs)
  if (!index.hasUnread) report(progress.read, handled)
}

function receive(
  message: Exclude<ToThread, { type: 'weaken' }>,
  {
    children,
    starts,
  }: { readonly children: Map<number, number | undefined>; readonly starts: Start[] },
): void {
  switch (message.type) {
    case 'open':
      starts.push({
        id: message.id,
        at: message.at,
        facts: message.facts,
        isAwaited: () => Atomics.load(cells, progress.awaited) === message.n,
      })
      if (message.reports !== undefined) reports.set(message.id, message.reports)
      return
    case 'compare':
      if (!message.livesOn || !mayReport(message.id)) children.set(message.id, message.endedAt)
      return
    case 'forget':
      index.forgetChild(message.id)
      reports.delete(message.id)
      return
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

function send(
  ends: ReadonlyMap<number, number | undefined>,
  { changes, skips, ...rest }: Comparison,
): void {
  for (let first = 0; first < changes.length; first += changesPerMessage) {
    const json = encoder.encode(JSON.stringify(changes.slice(first, first + changesPerMessage)))
    port.postMessage({ type: 'changes', json } satisfies FromThread, [json.buffer])
  }
  const children = [...ends].map(([id, endedAt]) => ({ id, hasEnded: endedAt !== undefined }))
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

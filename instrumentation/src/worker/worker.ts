/**
 * The composition root of the one worker thread: seal → adopt → deliver, or export. It seals closed journal files, one at
 * a time, at low priority. It has no standard output, and never keeps the host alive. As the main thread of a process it is the
 * sender of what other processes have left (`sender.ts`).
 */
import * as os from 'node:os'
import { isMainThread, parentPort, workerData } from 'node:worker_threads'
import { ChangeStore } from '../changes/store.ts'
import { originalFs } from '../file-system.ts'
import { quietly } from '../health.ts'
import { Sealer } from '../seal/sealer.ts'
import type { SequenceRange } from '../sequence-ranges.ts'
import { ownLiveness } from '../spool/liveness.ts'
import { readIdentity } from '../spool/recorder-folder.ts'
import { useThreadEnd } from '../thread-end.ts'
import { offlineBackoff, RetryTimer } from '../upload/retry.ts'
import { Adoption } from './adopt.ts'
import { startDelivery } from './delivery.ts'
import { LookSchedule } from './look-schedule.ts'
import { Neighbours } from './neighbours.ts'
import type { FromWorker, SealingWorkerData, SenderData, ToWorker, WorkerData } from './protocol.ts'
import { beginSender, endWhenSent } from './sender.ts'
import { takeSenderData } from './sender-process.ts'

/** How often the destination's folder is searched for dead recorders, whatever `Neighbours` sees. */
const lookEveryMs = 30_000
/** A few calls to the disk, and one for each living recorder of the destination. */
const neighboursEveryMs = 2_000
const pruneEveryMs = 10 * 60_000
/** The idle class of a thread's nice values, for this thread only: Linux counts priorities per thread. */
const lowPriority = 15

const ofSender: SenderData | undefined = isMainThread ? takeSenderData(process.env) : undefined
const ofThread: SealingWorkerData | undefined = isMainThread ? undefined : workerData
const { directory, folder, changesDirectory, config }: WorkerData = ofSender ?? workerData
if (ofThread !== undefined) useThreadEnd(ofThread.end)
if (process.platform === 'linux')
  quietly('lower the priority', () => os.setPriority(0, lowPriority))
const mark = ofSender && (await beginSender(ofSender))

const delivery = startDelivery({
  config,
  directory,
  declareLost,
  // Only for our own recorder: dead ones are sealed by a new sealer each time, which remembers nothing.
  onLost: (lostFrom) => {
    if (lostFrom === folder) sealer?.forgetContents()
  },
})
const exporting =
  config.otlp === undefined
    ? undefined
    : (await import('./exporting.ts')).startExporting(config.otlp, () => work())
const { spool } = delivery
const changes = new ChangeStore({ directory: changesDirectory })
const { contentBytesMax, inlineBytesMax } = config
const sealing = {
  fileSystem: originalFs,
  contentBytesMax,
  inlineBytesMax,
  changes,
  openOutlet: exporting?.openOutlet,
}
const neighbours = new Neighbours({ fileSystem: originalFs, directory })
const adoption = new Adoption({
  ...sealing,
  directory,
  ownFolder: folder,
  self: ownLiveness(),
  spool,
  neighbours,
  onSealed: () => delivery.wake(),
  onSettled: () => search.look(),
})
const search = new LookSchedule({ adoption, defer: setImmediate })
const retry = new RetryTimer({ backoff: offlineBackoff, retry: work })

let sealer: Sealer | undefined
let closedThrough = 0
let refreshes: { readonly file: number; readonly id: number }[] = []

parentPort?.on('message', (message: ToWorker) => {
  if (message.type === 'look') {
    search.ended()
    return
  }
  closedThrough = Math.max(closedThrough, message.file)
  if (message.type === 'refresh') refreshes.push(message)
  work()
})

setInterval(() => search.look(), lookEveryMs).unref()
setInterval(() => {
  if (neighbours.haveChanged()) search.ended()
}, neighboursEveryMs).unref()
setInterval(prune, pruneEveryMs).unref()
setImmediate(() => search.look())
if (mark !== undefined) {
  endWhenSent(mark, {
    look: () => search.look(),
    progress: () => adoption.progress,
    hasFailed: () => delivery.hasFailed() || exporting?.mayDeclare() === false,
    isUnconfirmed: () => delivery.isUnconfirmed(),
  })
}

/** Seals the closed files. If the disk refuses, it is tried again later, and nothing else is sealed until then. */
function work(): void {
  if (retry.isWaiting || closedThrough === 0) return
  // Before sealing, which may fail: on a full disk, sending segments makes room.
  spool.add(folder)
  const missing = quietly('seal', () => {
    sealer ??= openSealer()
    return sealer.seal(closedThrough, exporting?.mayDeclare)
  })
  delivery.wake()
  if (missing === undefined) {
    retry.failed()
    return
  }
  retry.succeeded()
  if (missing.length > 0) post({ type: 'missing', ranges: missing })
  const answered = refreshes
  refreshes = []
  for (const { id } of answered) post({ type: 'refreshed', id })
}

function openSealer(): Sealer {
  const identity = readIdentity(originalFs, folder)
  if (identity === undefined) throw new Error('no recorder.json')
  return new Sealer({
    ...sealing,
    folder,
    identity,
    onSettled(isGivenUp) {
      if (isGivenUp) retry.failed()
      else work()
    },
  })
}

/** Declarations come from this process, for its own recorder and for the dead ones that it has adopted. */
function declareLost(
  lostFrom: string,
  sequences: readonly SequenceRange[],
  setAside: () => void,
): void {
  const ranges = sequences.map(([first, last]) => ({ first, last, reason: 'lost_in_transit' }))
  if (lostFrom !== folder) {
    adoption.declareLost(lostFrom, ranges, setAside)
    return
  }
  sealer ??= openSealer()
  sealer.lose(ranges)
  try {
    setAside()
  } finally {
    work()
  }
}

function prune(): void {
  quietly('prune changes', () => changes.prune())
}

function post(message: FromWorker): void {
  parentPort?.postMessage(message)
}

/**
 * The composition root of the one worker thread: seal → adopt → deliver, or export. It seals closed journal files, one at
 * a time, at low priority; it has no standard output, and nothing of it holds the host.
 */
import * as os from 'node:os'
import { parentPort, workerData } from 'node:worker_threads'
import { ChangeStore } from '../changes/store.ts'
import { originalFs } from '../file-system.ts'
import { quietly } from '../health.ts'
import { Sealer } from '../seal/sealer.ts'
import type { SequenceRange } from '../sequence-ranges.ts'
import { ownLiveness } from '../spool/liveness.ts'
import { readIdentity } from '../spool/recorder-folder.ts'
import { createAdoption } from './adopt.ts'
import { startDelivery } from './delivery.ts'
import type { FromWorker, SealingWorkerData, ToWorker } from './protocol.ts'

/** How often dead recorders and a refusing disk are looked at again. */
const lookEveryMs = 30_000
const retrySealAfterMs = 1_000
const retrySealAfterMsMax = 30_000
const pruneEveryMs = 10 * 60_000
/** The idle class of a thread's nice values, for this thread only: Linux counts priorities per thread. */
const lowPriority = 15

const data: SealingWorkerData = workerData
if (process.platform === 'linux')
  quietly('lower the priority', () => os.setPriority(0, lowPriority))

const delivery = startDelivery({
  settings: data.otlp === undefined ? data.delivery : { ...data.delivery, endpoint: undefined },
  directory: data.directory,
  declareLost,
  // Dead recorders are sealed by a new sealer each time, which remembers nothing.
  onLost: (folder) => {
    if (folder === data.folder) sealer?.forgetContents()
  },
})
const exporting =
  data.otlp === undefined
    ? undefined
    : (await import('./exporting.ts')).startExporting(data.otlp, () => work())
const { spool } = delivery
const changes = new ChangeStore({ directory: data.changesDirectory })
const adoption = createAdoption({
  fileSystem: originalFs,
  directory: data.directory,
  ownFolder: data.folder,
  self: ownLiveness(),
  contentBytesMax: data.contentBytesMax,
  inlineBytesMax: data.inlineBytesMax,
  changes,
  spool,
  openOutlet: exporting?.openOutlet,
  onSealed: () => delivery.wake(),
  onSettled: look,
})

let sealer: Sealer | undefined
let closedThrough = 0
let refreshes: { readonly file: number; readonly id: number }[] = []
let retry: NodeJS.Timeout | undefined
let retryMs = retrySealAfterMs
let isLooking = false

parentPort?.on('message', (message: ToWorker) => {
  closedThrough = Math.max(closedThrough, message.file)
  if (message.type === 'refresh') refreshes.push(message)
  work()
})

setInterval(look, lookEveryMs).unref()
setInterval(prune, pruneEveryMs).unref()
setImmediate(look)

/** Seals what is closed; what the disk refuses is tried again, and nothing else is sealed meanwhile. */
function work(): void {
  if (retry !== undefined || closedThrough === 0) return
  // Also when nothing can be sealed: on a full disk, what is sent makes room.
  spool.add(data.folder)
  const missing = quietly('seal', () => {
    sealer ??= openSealer()
    return sealer.seal(closedThrough, exporting?.mayDeclare)
  })
  delivery.wake()
  if (missing === undefined) {
    workLater()
    return
  }
  retryMs = retrySealAfterMs
  if (missing.length > 0) post({ type: 'missing', ranges: missing })
  const answered = refreshes
  refreshes = []
  for (const { id } of answered) post({ type: 'refreshed', id })
}

function workLater(): void {
  retry = setTimeout(workAgain, retryMs)
  retry.unref()
  retryMs = Math.min(retryMs * 2, retrySealAfterMsMax)
}

function workAgain(): void {
  retry = undefined
  work()
}

function openSealer(): Sealer {
  const identity = readIdentity(originalFs, data.folder)
  if (identity === undefined) throw new Error('no recorder.json')
  return new Sealer({
    fileSystem: originalFs,
    folder: data.folder,
    identity,
    contentBytesMax: data.contentBytesMax,
    inlineBytesMax: data.inlineBytesMax,
    changes,
    openOutlet: exporting?.openOutlet,
    onSettled(isGivenUp) {
      if (isGivenUp && retry === undefined) workLater()
      else work()
    },
  })
}

/** By who records: this process for itself, and for the dead ones that it has adopted. */
function declareLost(
  folder: string,
  sequences: readonly SequenceRange[],
  setAside: () => void,
): void {
  const ranges = sequences.map(([first, last]) => ({ first, last, reason: 'lost_in_transit' }))
  if (folder !== data.folder) {
    adoption.declareLost(folder, ranges, setAside)
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

/** A piece at a time: what the host waits for comes between. */
function look(): void {
  if (isLooking) return
  const next = adoption.look()
  isLooking = next === 'more'
  if (isLooking) setImmediate(lookOn)
}

function lookOn(): void {
  isLooking = false
  look()
}

function prune(): void {
  quietly('prune changes', () => changes.prune())
}

function post(message: FromWorker): void {
  parentPort?.postMessage(message)
}

/**
 * The composition root: observe → record → journal → sealing worker (seal, adopt, upload). Each part is given its
 * partners, and notes how it is undone: in reverse order, by `stop` and when a later part fails to start.
 * `startParts` is the diagram of the package, `observe/observe-host.ts` that of `observe/`.
 */
import { randomUUID } from 'node:crypto'
import * as path from 'node:path'
import { isMainThread } from 'node:worker_threads'
import type { ReadableSpan } from '@opentelemetry/sdk-trace'
import { instrumentationScope, schemaUrl } from '@turnlog/conventions'
import { errorName } from '@turnlog/conventions/plain'
import type { Config } from './config.ts'
import { originalFs } from './file-system.ts'
import { handleKey, type TurnlogHandle } from './handle.ts'
import { quietly } from './health.ts'
import { commonAttributes, resourceAttributes } from './identity.ts'
import { Journal } from './journal/journal.ts'
import { createProcessors, type ShiftOf } from './journal/processor.ts'
import { endRecorder, markEnded } from './journal/recorder-end.ts'
import { takeInheritedOwner } from './observe/child-environment.ts'
import { placePreload } from './observe/inherited-preload.ts'
import { noteNativeSpans } from './observe/native-spans.ts'
import { observeHost } from './observe/observe-host.ts'
import { holdTurns } from './observe/own-spans.ts'
import { createFileReports, endsOwners } from './observe/reported-files.ts'
import { SelfCheck } from './observe/self-check.ts'
import { onWebServer } from './observe/web-servers.ts'
import { observeWorkerMessages } from './observe/worker-messages.ts'
import { observeWorkerThreads } from './observe/worker-threads.ts'
import { startOpenTelemetry } from './open-telemetry.ts'
import { shareConfig, sharedConfig, sharedModelFlag } from './process-wide.ts'
import { announceRecorder, ChildReports } from './record/child-report.ts'
import { createDelayedEnds } from './record/delayed-ends.ts'
import { setInheritedOwner } from './record/inherited-owner.ts'
import type { Recorder } from './record/recorder.ts'
import { UnseenWork } from './record/unseen-work.ts'
import { Session } from './session.ts'
import { ownLiveness } from './spool/liveness.ts'
import { destinationFolder, writeIdentity } from './spool/recorder-folder.ts'
import { type HostTimers, hostTimers } from './timers.ts'
import { SealingWorker } from './worker/sealing-worker.ts'
import { startSender } from './worker/sender-process.ts'

type Undo = (() => void)[]

interface Preload {
  /** Its file. */
  readonly preload: string
  /** Prints a line on the host's standard error: why nothing is recorded, or what is wrong with a setting. */
  readonly notice: (text: string) => void
}

/** Starts recording in this thread. Called once, by the preload, before the host's own code. Throws with all undone. */
export function start(config: Config, by: Preload): { stop(): void } {
  const undo: Undo = []
  const stop = (): void => {
    for (const step of undo.splice(0).reverse()) quietly('undo a step of the start', step)
  }
  try {
    startParts(config, { ...by, undo })
  } catch (cause) {
    stop()
    throw cause
  }
  return { stop }
}

function startParts(
  own: Config,
  { preload, notice, undo }: Preload & { readonly undo: Undo },
): void {
  const timers = hostTimers()
  const session = new Session(timers)
  const identity = identify(own, session.id)
  const { config, directory, folder, inherited, changesDirectory } = identity
  const { journal, sealing } = openJournal(identity, { timers, session, notice, undo })
  const childReports = new ChildReports(config.spoolDirectory)
  const { recorder, tracerProvider, onSpanEnd } = startRecorder(identity, {
    journal,
    childReports,
    shiftOf: timers.steady.shiftOf,
    undo,
  })
  const { logger } = recorder
  const unseen = new UnseenWork({
    logger,
    after: timers.after,
    clock: timers.clock,
    modelFlag: sharedModelFlag(),
  })
  const delayedEnds = createDelayedEnds(timers.after)
  const onStop = (code: number, endTurns: (code: number) => void = () => undefined): void => {
    quietly('end file operations', () => fileOperations.finish())
    quietly('end turns that the process leaves open', () => endTurns(code))
    quietly('end turns that only wait', delayedEnds.endAll)
    quietly('begin the session of another thread', () => session.catchUp())
    quietly('end comparisons', () => finish())
    selfCheck.finish()
    if (session.isBegun) quietly('record what was not seen', () => unseen.report())
    quietly('end the recorder', () => endRecorder(code, { journal, logger, folder }))
    if (isMainThread) childReports.close()
    sealing.askToEnd()
  }
  undo.push(() => onStop(0))
  const selfCheck = new SelfCheck({
    hasChildProcesses: config.processFilesMax > 0,
    clock: timers.clock,
    after: timers.after,
  })
  const { api, workspace, fileOperations, finish, endTurns, hasOpenTurns, openCalls } = observeHost(
    config,
    {
      recorder,
      tracerProvider,
      onSpanEnd,
      unseen,
      selfCheck,
      folder,
      isChild: inherited !== undefined,
      agent: String(identity.resource['service.name']),
      timers,
      delayedEnds,
      flush: () => journal.flush(),
      childReports,
      session,
      destination: directory,
      lookForEnded: () => sealing.look(),
      undo,
    },
  )
  timers.steady.whileOpen(() => journal.hasOpenStarts || hasOpenTurns())
  undo.push(observeWorkerMessages(folder))
  const onThreadEnded = (ended: string): void => {
    markEnded(ended)
    sealing.look()
  }
  undo.push(placePreload(preload))
  undo.push(observeWorkerThreads({ preload, openCalls, onEnded: onThreadEnded }))
  const changes = {
    directory: changesDirectory,
    workspace,
    fileSystem: originalFs,
    beginWrite: (path: string) => fileOperations.beginRevert(path),
    refresh: () => {
      quietly('record what waits', () => fileOperations.refresh())
      journal.rotate()
      return sealing.refresh()
    },
  }
  offerHandle({ ...api, changes }, undo)
  const onExit = (code: number): void => {
    onStop(code, endTurns)
    if (isMainThread && session.isBegun)
      quietly('start a sender', () => leaveSender(identity, timers))
  }
  process.on('exit', onExit)
  undo.push(() => process.off('exit', onExit))
  const check = () => quietly('check what is observed', () => selfCheck.begin(logger))
  session.onBegin(() => {
    const { problems } = config
    if (problems.length > 0) notice(`${problems.join(' ')} Correct or unset what is wrong.`)
  })
  session.onBegin(() => session.recordStart(logger, check))
  session.onBegin(() => sealing.start())
  const onListening = (): void => {
    session.begin()
    api.expectTurns()
  }
  undo.push(onWebServer(onListening))
}

type Identity = ReturnType<typeof identify>

/** Who records, where to, and for whom: a process that a tool has started works for the tool call of its parent. */
function identify(own: Config, sessionId: string) {
  const recorderId = randomUUID()
  const shared = sharedConfig(own)
  const { otlp, userId } = shared
  const directory = destinationFolder(shared.spoolDirectory, {
    // Records of one exporter are not sent by the other.
    endpoint: otlp === undefined ? shared.endpoint : `otlp ${otlp.traces.url} ${otlp.logs.url}`,
    userId,
  })
  const inherited = takeInheritedOwner(process.env, {
    destination: directory,
    workspace: shared.workspace,
  })
  if (inherited !== undefined) {
    setInheritedOwner(inherited.owner)
    if (inherited.owner.reports !== undefined) announceRecorder(inherited.owner.reports)
  }
  const config = { ...shared, workspace: inherited?.workspace ?? shared.workspace }
  shareConfig(config)
  return {
    recorderId,
    sessionId,
    config,
    inherited,
    /** Of all recorders that send to the same endpoint. */
    directory,
    /** The recorder's own. */
    folder: path.join(directory, recorderId),
    changesDirectory: path.join(config.spoolDirectory, 'changes'),
    resource: resourceAttributes({ sessionId, recorderId }, config),
  }
}

/** The journal, and the worker that seals its closed files. */
function openJournal(
  identity: Identity,
  {
    timers: { now, after },
    session,
    notice,
    undo,
  }: Pick<Preload, 'notice'> & {
    readonly timers: HostTimers
    readonly session: Session
    readonly undo: Undo
  },
) {
  const { recorderId, sessionId, config, inherited, resource } = identity
  const { directory, folder, changesDirectory } = identity
  const startedAt = now()
  const sealing = new SealingWorker({
    data: { turnlogSealingWorker: true, directory, folder, changesDirectory, config },
    after,
    onMissing: (ranges) => {
      for (const range of ranges) journal.append({ k: 'log', drop: range })
    },
  })
  undo.push(() => sealing.close())
  const journal = new Journal({
    directory: folder,
    recorder: recorderId,
    fileSystem: originalFs,
    now,
    after,
    onFirst: () => session.begin(),
    onClosed: (file) => sealing.closed(file),
    onUnusable: (cause) => {
      const folder = `'${config.spoolDirectory}' cannot be written (${errorName(cause)})`
      notice(`Nothing is recorded: ${folder}. Name another folder in TELEMETRY_SPOOL_DIRECTORY.`)
    },
    // A thread can be terminated, and a child killed, in the middle of its JavaScript: what has ended there is written at once.
    ...(isMainThread && inherited === undefined ? {} : { defer: (flush) => flush() }),
    prepare: () => {
      writeIdentity(originalFs, folder, {
        recorder: recorderId,
        session: sessionId,
        startedAt,
        liveness: ownLiveness(),
        resource: resource as Record<string, string | number>,
        common: commonAttributes(sessionId, config) as Record<string, string>,
      })
    },
  })
  return { journal, sealing }
}

/** At the exit of the process: a process of its own sends what is left. */
function leaveSender({ config, directory, changesDirectory }: Identity, { now }: HostTimers): void {
  if (!config.sendsAfterExit) return
  const folder = path.join(directory, randomUUID())
  const data = { directory, folder, changesDirectory, config }
  startSender({ fileSystem: originalFs, data, now })
}

/** OpenTelemetry's SDK, whose spans and logs go into the journal. */
function startRecorder(
  { config, inherited, resource }: Identity,
  {
    journal,
    childReports,
    shiftOf,
    undo,
  }: {
    readonly journal: Journal
    readonly childReports: ChildReports
    readonly shiftOf: ShiftOf
    readonly undo: Undo
  },
) {
  const processors = createProcessors(journal, shiftOf)
  const fileReports = createFileReports(processors.raw.note, {
    spoolDirectory: config.spoolDirectory,
    owner: inherited?.owner,
  })
  const native: { ended(span: ReadableSpan): void } = { ended: () => undefined }
  const { tracerProvider, loggerProvider, shutDown } = startOpenTelemetry({
    attributes: resource,
    spanProcessors: [
      noteNativeSpans((span) => native.ended(span)),
      processors.spans,
      holdTurns(),
      fileReports.processor,
      endsOwners(childReports),
    ],
    logRecordProcessor: processors.logs,
  })
  undo.push(shutDown)
  const tracer = tracerProvider.getTracer(instrumentationScope, undefined, { schemaUrl })
  const logger = loggerProvider.getLogger(instrumentationScope, undefined, { schemaUrl })
  const recorder: Recorder = { tracer, logger, ...processors.raw, note: fileReports.note }
  const onSpanEnd = (ended: typeof native.ended): void => {
    native.ended = ended
  }
  return { recorder, tracerProvider, onSpanEnd }
}

/** The API and the Changes routes find the running instrumentation by this handle. */
function offerHandle(handle: TurnlogHandle, undo: Undo): void {
  Object.defineProperty(globalThis, handleKey, { value: handle, configurable: true })
  undo.push(() => Reflect.deleteProperty(globalThis, handleKey))
}

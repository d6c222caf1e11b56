/**
 * The composition root: observe → record → journal → sealing worker (seal, adopt, upload). Each part is given its
 * partners, and notes how it is undone: in reverse order, by `stop` and when a later part fails to start.
 * `startParts` is the diagram of the package, `observeHost` that of `observe/`.
 */

import { randomUUID } from 'node:crypto'
import { channel } from 'node:diagnostics_channel'
import * as path from 'node:path'
import { getEnvironmentData, isMainThread, setEnvironmentData } from 'node:worker_threads'
import {
  type Logger,
  ROOT_CONTEXT,
  TraceFlags,
  type TracerProvider,
  trace,
} from '@opentelemetry/api'
import { type AttributeName, instrumentationScope, schemaUrl, severity } from '@turnlog/conventions'
import { defined, isObject } from '@turnlog/conventions/plain'
import type { Config } from './config.ts'
import { attempt, originalFs } from './file-system.ts'
import { type DecisionRecord, handleKey, type TurnlogHandle } from './handle.ts'
import { quietly } from './health.ts'
import { commonAttributes, resourceAttributes } from './identity.ts'
import { Journal } from './journal/journal.ts'
import { createProcessors } from './journal/processor.ts'
import { recordApiFileOperation } from './observe/api-file-operations.ts'
import { openApiToolCall } from './observe/api-tool-calls.ts'
import { openApiTurn } from './observe/api-turns.ts'
import { createApprovals } from './observe/approvals.ts'
import { flushBeforeBlockingCalls } from './observe/blocking-calls.ts'
import { observeChildEnvironments, takeInheritedOwner } from './observe/child-environment.ts'
import { ChildProcesses } from './observe/child-processes.ts'
import { createErrorReports, observeErrors } from './observe/errors.ts'
import { FileOperations } from './observe/file-operations.ts'
import { observeFrameworkCalls } from './observe/framework-calls.ts'
import { observeFileSystem } from './observe/fs.ts'
import { observeHandedDescriptors } from './observe/handed-descriptors.ts'
import { HostFiles } from './observe/host-files.ts'
import { offerToHost } from './observe/host-telemetry.ts'
import { observeHttpServers } from './observe/http.ts'
import { observeModelClients } from './observe/model-clients.ts'
import { createExchanges } from './observe/model-exchange.ts'
import { NativeCode } from './observe/native-code.ts'
import { holdTurns, withTurns } from './observe/native-spans.ts'
import { NativeWriters } from './observe/native-writers.ts'
import { createFileReports, endsOwners } from './observe/reported-files.ts'
import { observeWebSockets } from './observe/websocket.ts'
import { observeWorkerMessages } from './observe/worker-messages.ts'
import { observeWorkerThreads } from './observe/worker-threads.ts'
import { startOpenTelemetry } from './open-telemetry.ts'
import { Candidate, type CandidateSource } from './record/candidate.ts'
import { announceRecorder, type ChildReports, createChildReports } from './record/child-report.ts'
import { createDelayedEnds } from './record/delayed-ends.ts'
import { setInheritedOwner } from './record/inherited-owner.ts'
import type { Recorder } from './record/recorder.ts'
import { ToolCalls } from './record/tool-calls.ts'
import { WaitingTurns } from './record/waiting-turns.ts'
import { ownLiveness } from './spool/liveness.ts'
import { destinationFolder, endedMarker, writeIdentity } from './spool/recorder-folder.ts'
import { copiesFolder } from './spool/workspace-copies.ts'
import { hostTimers } from './timers.ts'
import { SealingWorker } from './worker/sealing-worker.ts'
import { WorkspaceThread } from './workspace/workspace-thread.ts'

const sessionKey = 'turnlog.session'
const configKey = 'turnlog config'

type Undo = (() => void)[]

/**
 * Starts recording in this thread. Called once, by the preload, the file `preload`, before the host's own code. Throws with
 * all undone.
 */
export function start(config: Config, preload: string): { stop(): void } {
  const undo: Undo = []
  const stop = (): void => {
    for (const step of undo.splice(0).reverse()) quietly('undo a step of the start', step)
  }
  try {
    startParts(config, { preload, undo })
  } catch (cause) {
    stop()
    throw cause
  }
  return { stop }
}

function startParts(
  own: Config,
  { preload, undo }: { readonly preload: string; readonly undo: Undo },
): void {
  const recorderId = randomUUID()
  const sessionId = sharedSessionId()
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
  setEnvironmentData(configKey, config)
  const folder = path.join(directory, recorderId)
  const changesDirectory = path.join(config.spoolDirectory, 'changes')
  const resource = resourceAttributes({ sessionId, recorderId }, config)
  const timers = hostTimers()
  const { now, after } = timers
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
    onClosed: (file) => sealing.closed(file),
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

  const processors = createProcessors(journal)
  const childReports = createChildReports(config.spoolDirectory)
  const fileReports = createFileReports(processors.raw.note, {
    spoolDirectory: config.spoolDirectory,
    owner: inherited?.owner,
  })
  const { tracerProvider, loggerProvider, shutDown } = startOpenTelemetry({
    attributes: resource,
    spanProcessors: [
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

  const delayedEnds = createDelayedEnds(after)
  const onExit = (code: number): void => {
    quietly('end file operations', () => fileOperations.finish())
    quietly('end turns that only wait', delayedEnds.endAll)
    quietly('end comparisons', () => finish())
    quietly('end the recorder', () => endRecorder(code, { journal, logger, folder }))
    if (isMainThread) childReports.close()
    sealing.askToEnd()
  }
  undo.push(() => onExit(0))
  const { api, workspace, fileOperations, finish } = observeHost(config, {
    recorder,
    tracerProvider,
    folder,
    isChild: inherited !== undefined,
    agent: String(resource['service.name']),
    timers,
    delayedEnds,
    flush: () => journal.flush(),
    childReports,
    destination: directory,
    lookForEnded: () => sealing.look(),
    undo,
  })
  undo.push(observeWorkerMessages(folder))
  undo.push(
    observeWorkerThreads({
      preload,
      onEnded: (ended) => {
        markEnded(ended)
        sealing.look()
      },
    }),
  )
  const handle: TurnlogHandle = {
    ...api,
    changes: {
      directory: changesDirectory,
      workspace,
      fileSystem: originalFs,
      refresh: () => {
        quietly('record what waits', () => fileOperations.refresh())
        journal.rotate()
        return sealing.refresh()
      },
    },
  }
  Object.defineProperty(globalThis, handleKey, { value: handle, configurable: true })
  undo.push(() => Reflect.deleteProperty(globalThis, handleKey))
  process.on('exit', onExit)
  undo.push(() => process.off('exit', onExit))

  if (isMainThread) {
    logger.emit({
      eventName: 'session.start',
      severityNumber: severity.info,
      context: ROOT_CONTEXT,
      attributes: {},
    })
    sealing.start()
  }
}

interface ObserveDependencies {
  readonly recorder: Recorder
  readonly tracerProvider: TracerProvider
  /** The recorder's folder. */
  readonly folder: string
  /** A tool of another process that is recorded has started this one. */
  readonly isChild: boolean
  /** The default name of the agent that answers. */
  readonly agent: string
  readonly timers: ReturnType<typeof hostTimers>
  readonly delayedEnds: ReturnType<typeof createDelayedEnds>
  readonly flush: () => void
  readonly childReports: ChildReports
  /** The folder of the recorders that send to the same endpoint. */
  readonly destination: string
  readonly lookForEnded: () => void
  readonly undo: Undo
}

/** Observes the host, and opens the API for what cannot be observed. */
function observeHost(config: Config, dependencies: ObserveDependencies) {
  const { recorder, tracerProvider, folder, agent, delayedEnds, flush, undo } = dependencies
  const { now, clock, after } = dependencies.timers
  const files = new HostFiles({
    workspace: config.workspace,
    ownFolders: [config.spoolDirectory],
    contentBytesMax: config.contentBytesMax,
  })
  const nativeCode = new NativeCode()
  const children = new ChildProcesses({
    recorder,
    files,
    openWorkspace: (findings) =>
      new WorkspaceThread({
        ...findings,
        data: workspaceData(config, files, { folder, nativeCode }),
      }),
    spoolDirectory: config.spoolDirectory,
    capturesContent: config.contentBytesMax > 0,
    now,
    clock,
    after,
  })
  const nativeWriters = new NativeWriters({ nativeCode, workspace: children, now })
  const toolCalls = new ToolCalls(recorder, clock, nativeWriters)
  const frameworks = observeFrameworkCalls()
  undo.push(frameworks.undo)
  const { modelCalled } = frameworks
  const waitingTurns = new WaitingTurns(delayedEnds.after)
  const approvals = createApprovals({ recorder, toolCalls })
  const ofTurns = {
    recorder,
    agent,
    now,
    after,
    delayedEnd: delayedEnds.after,
    waitingTurns,
    approvals,
    onTurn: (turn: Candidate) => {
      quietly('look at the workspace', () => children.prepare())
      nativeWriters.turnBegan(turn)
    },
    onWait: (turn: Candidate) => nativeWriters.turnPaused(turn),
  }
  const ofExchanges = { recorder, toolCalls, waitingTurns, approvals, modelCalled, clock }
  const candidates: CandidateSource = {
    openCandidate: (facts) => new Candidate(facts, ofTurns),
    now,
  }
  const reportError = createErrorReports(recorder.logger, flush)
  undo.push(offerToHost(withTurns(tracerProvider, toolCalls), clock))
  undo.push(observeHttpServers(candidates))
  undo.push(observeWebSockets(candidates, clock))
  undo.push(observeModelClients(createExchanges(ofExchanges)))
  const fileOperations = new FileOperations({
    recorder,
    files,
    now,
    delayedEnd: delayedEnds.after,
    changes: children,
  })
  undo.push(observeFileSystem(fileOperations))
  undo.push(observeHandedDescriptors(fileOperations))
  undo.push(observeErrors(reportError))
  if (config.processFilesMax > 0) {
    // What an agent's tool has started has no turns of its own.
    const hasTurns = isMainThread && !dependencies.isChild
    undo.push(children.observe({ isStarted: hasTurns }))
    undo.push(nativeCode.observe())
    if (hasTurns) undo.push(onServerListening(() => children.prepare()))
  }
  undo.push(flushBeforeBlockingCalls(flush))
  undo.push(
    observeChildEnvironments({
      reports: dependencies.childReports,
      destination: dependencies.destination,
      workspace: files.workspace,
      onEnded: dependencies.lookForEnded,
    }),
  )
  return {
    workspace: files.workspace,
    fileOperations,
    finish: () => children.finish(),
    api: {
      decide: (decision) =>
        quietly('record a decision', () => emitDecision(recorder.logger, decision)),
      openTurn: (declared) => quietly('open a turn', () => openApiTurn(declared, candidates)),
      openToolCall: (call) =>
        quietly('open a tool call', () =>
          openApiToolCall(call, { recorder, toolCalls, reportError, now }),
        ),
      fileOperation: (operation, id) =>
        quietly('record a file operation of the app', () =>
          recordApiFileOperation(operation, id, { recorder, files }),
        ),
    } satisfies TurnlogHandle,
  }
}

/** Turns come to an app after its server has begun to listen. */
function onServerListening(callback: () => void): () => void {
  const listening = channel('tracing:net.server.listen:asyncEnd')
  const listener = (): void => {
    quietly('see a server', callback)
  }
  listening.subscribe(listener)
  return () => listening.unsubscribe(listener)
}

function workspaceData(
  config: Config,
  files: HostFiles,
  { folder, nativeCode }: { readonly folder: string; readonly nativeCode: NativeCode },
) {
  return {
    turnlogSealingWorker: true,
    workspace: files.workspace,
    ownFolders: files.ownFolders,
    copies: path.join(folder, copiesFolder),
    contentBytesMax: config.contentBytesMax,
    nativeCode: nativeCode.cells,
    limits: {
      filesMax: config.processFilesMax,
      copiedBytesMax: config.processCopiedBytesMax,
      changesMax: config.processChangesMax,
      lookMsMax: 10_000,
    },
  } as const
}

function emitDecision(logger: Logger, decision: DecisionRecord): void {
  const { traceId, spanId } = decision
  logger.emit({
    eventName: 'turnlog.change.decision',
    severityNumber: severity.info,
    context:
      traceId === undefined || spanId === undefined
        ? ROOT_CONTEXT
        : trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId, traceFlags: TraceFlags.SAMPLED }),
    attributes: defined({
      'turnlog.file_operation.id': decision.operationId,
      'turnlog.decision.type': decision.type,
      'turnlog.decision.source': decision.source,
      'turnlog.decision.reason': decision.reason,
      'turnlog.decision.outcome': decision.outcome,
      'turnlog.decision.result.sha256': decision.resultSha256,
      'turnlog.decision.elapsed': decision.elapsedSeconds,
      'file.path': decision.path,
    }),
  })
}

/** Writes the last records, and marks the recorder as ended. With spans still open it has no clean end. */
function endRecorder(
  exitCode: number,
  { journal, logger, folder }: { journal: Journal; logger: Logger; folder: string },
): void {
  if (journal.recorded > 0 && !journal.hasOpenStarts) {
    logger.emit({
      eventName: 'session.end',
      severityNumber: severity.info,
      context: ROOT_CONTEXT,
      attributes: {
        'turnlog.exit_code': exitCode,
        'turnlog.recorder.last_sequence': journal.recorded + 1,
      } satisfies { [Name in AttributeName]?: number },
    })
    journal.append({ k: 'end', through: journal.recorded })
  }
  journal.close()
  if (journal.recorded > 0) markEnded(folder)
}

/** A recorder that has recorded nothing has no folder. */
function markEnded(folder: string): void {
  attempt(() => originalFs.writeFileSync(path.join(folder, endedMarker), '', { mode: 0o600 }))
}

/** One session for all threads of the process; other processes have their own. */
function sharedSessionId(): string {
  const known = getEnvironmentData(sessionKey)
  if (typeof known === 'string') return known
  const id = randomUUID()
  setEnvironmentData(sessionKey, id)
  return id
}

/** One for all threads of the process, also for a thread that is made with another environment or working directory. */
function sharedConfig(own: Config): Config {
  const known: unknown = isMainThread ? undefined : getEnvironmentData(configKey)
  return isConfig(known) ? known : own
}

function isConfig(value: unknown): value is Config {
  return isObject(value) && typeof value.spoolDirectory === 'string'
}

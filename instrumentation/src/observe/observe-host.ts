/**
 * The diagram of this folder: which part of the host is observed by what, and which parts they share. Each observer is
 * given its partners, and notes in `undo` how it is undone.
 */
import * as path from 'node:path'
import { isMainThread } from 'node:worker_threads'
import { ROOT_CONTEXT, type TracerProvider } from '@opentelemetry/api'
import type { ReadableSpan } from '@opentelemetry/sdk-trace'
import type { Config } from '../config.ts'
import type { TurnlogHandle } from '../handle.ts'
import { quietly } from '../health.ts'
import { appScript, isOwnScript } from '../identity.ts'
import { Candidate, type CandidateSource } from '../record/candidate.ts'
import type { ChildReports } from '../record/child-report.ts'
import { apiCallOf, contexts, requestOf, setTurnsOutside, turnOf } from '../record/contexts.ts'
import type { DelayedEnds } from '../record/delayed-ends.ts'
import { inheritedFileOwner } from '../record/inherited-owner.ts'
import { KnownFailures } from '../record/known-failures.ts'
import { OpenCandidates } from '../record/open-candidates.ts'
import type { Recorder } from '../record/recorder.ts'
import { runningCall } from '../record/running-call.ts'
import { ToolCalls } from '../record/tool-calls.ts'
import type { TurnFailure } from '../record/turn-result.ts'
import type { UnseenWork } from '../record/unseen-work.ts'
import { WaitingTurns } from '../record/waiting-turns.ts'
import { WireCalls } from '../record/wire-calls.ts'
import type { Session } from '../session.ts'
import { copiesFolder } from '../spool/workspace-copies.ts'
import type { HostTimers } from '../timers.ts'
import { WorkspaceThread } from '../workspace/workspace-thread.ts'
import { observeAgentChildren } from './agent-children.ts'
import { emitDecision } from './api-decisions.ts'
import { recordApiFileOperation } from './api-file-operations.ts'
import { openApiToolCall } from './api-tool-calls.ts'
import { openApiTurn } from './api-turns.ts'
import { createApprovals } from './approvals.ts'
import { BackgroundAnswers } from './background-answers.ts'
import { flushBeforeBlockingCalls } from './blocking-calls.ts'
import { observeChildEnvironments, withOwnerPairs } from './child-environment.ts'
import { ChildProcesses } from './child-processes.ts'
import {
  asFailure,
  createErrorReports,
  describeError,
  type ErrorPlaces,
  type ErrorReports,
  type FatalError,
  observeErrors,
} from './errors.ts'
import { FileOperations } from './file-operations.ts'
import { observeFrameworkCalls } from './framework-calls.ts'
import { observeFileSystem } from './fs.ts'
import { observeHandedDescriptors } from './handed-descriptors.ts'
import { HostFiles } from './host-files.ts'
import { offerToHost } from './host-telemetry.ts'
import { observeHttpServers } from './http.ts'
import { observeHttp2Servers } from './http2.ts'
import { InferredTurns } from './inferred-turns.ts'
import { KeptConversations } from './kept-conversations.ts'
import { observeModelClients } from './model-clients.ts'
import { NativeCode } from './native-code.ts'
import { NativeSpans } from './native-spans.ts'
import { NativeWriters } from './native-writers.ts'
import { observeNodeChildren } from './node-children.ts'
import { createExchanges } from './open-exchanges.ts'
import { OwnServers } from './own-servers.ts'
import { ProcessEnds } from './process-ends.ts'
import { observePseudoTerminals } from './pseudo-terminals.ts'
import { RetriedCalls } from './retried-calls.ts'
import type { SelfCheck } from './self-check.ts'
import { observeStopSignals } from './stop-signals.ts'
import { TurnTraces } from './turn-traces.ts'
import { observeWebSockets } from './websocket.ts'

interface ObserveDependencies {
  readonly recorder: Recorder
  readonly tracerProvider: TracerProvider
  /** Names who is told of each ended span, before it is journaled. */
  readonly onSpanEnd: (ended: (span: ReadableSpan) => void) => void
  readonly unseen: UnseenWork
  readonly selfCheck: SelfCheck
  /** The recorder's folder. */
  readonly folder: string
  /** A tool of another process that is recorded has started this one. */
  readonly isChild: boolean
  /** The default name of the agent that answers. */
  readonly agent: string
  readonly timers: HostTimers
  readonly delayedEnds: DelayedEnds
  readonly flush: () => void
  readonly childReports: ChildReports
  readonly session: Pick<Session, 'onBegin'>
  /** The folder of the recorders that send to the same endpoint. */
  readonly destination: string
  readonly lookForEnded: () => void
  readonly undo: (() => void)[]
}

type FileParts = ReturnType<typeof createFileParts>
type TurnParts = ReturnType<typeof observeTurns>

/** Observes the host, and opens the API for what cannot be observed. */
export function observeHost(config: Config, dependencies: ObserveDependencies) {
  const { recorder, flush, undo } = dependencies
  const fileParts = createFileParts(config, dependencies)
  const { files, children, fileOperations } = fileParts
  const turnParts = observeTurns(fileParts, {
    ...dependencies,
    conversationPlaces: config.conversationPlaces,
  })
  const errorReports = createErrorReports({
    logger: recorder.logger,
    flush,
    places: errorPlaces(turnParts),
  })
  const ownPlace = {
    reports: dependencies.childReports,
    destination: dependencies.destination,
    workspace: files.workspace,
  }
  undo.push(observeFileSystem(fileOperations))
  undo.push(observeHandedDescriptors(fileOperations))
  const fatal: FatalError = { error: undefined, isSet: false }
  undo.push(observeErrors(errorReports.report, fatal))
  const stopSignals = observeStopSignals(dependencies.timers.now)
  undo.push(stopSignals.undo)
  if (config.processFilesMax > 0) {
    observeOtherWriters(fileParts, dependencies)
    const observed = { children: children.opened, asked: children.asked }
    undo.push(observeNodeChildren(observed))
    const withOwner = (pairs: readonly unknown[]) => withOwnerPairs(pairs, ownPlace)
    undo.push(observePseudoTerminals({ ...observed, withOwner }))
  }
  undo.push(flushBeforeBlockingCalls(flush))
  const { endpoint, token } = config
  const agents = config.agentChildren && endpoint !== undefined ? { endpoint, token } : undefined
  undo.push(observeChildEnvironments({ ...ownPlace, onEnded: dependencies.lookForEnded, agents }))
  // Around the others: for them, the agent is started in its turn.
  if (!dependencies.isChild) {
    undo.push(observeAgentChildren({ ...dependencies, ...turnParts, traced: agents }))
  }
  return {
    workspace: files.workspace,
    fileOperations,
    finish: () => children.finish(),
    /** Or requests that may become turns. */
    hasOpenTurns: () => turnParts.open.hasOthers(undefined),
    openCalls: () => turnParts.open.all().flatMap(({ openTools }) => [...openTools.values()]),
    /** The process exits with this code. */
    endTurns: (code: number) => {
      const signal = fatal.isSet ? undefined : stopSignals.signalOf(code)
      const exit = { code, signal, failure: exitFailure(code, fatal) }
      turnParts.retries.giveUpAll()
      turnParts.backgroundAnswers.giveUpAll()
      turnParts.inFlight.processExits()
      for (const turn of turnParts.open.all()) turn.processExits(exit)
      turnParts.nativeSpans.processExits()
    },
    api: openApi({ ...dependencies, ...fileParts, ...turnParts, errorReports }),
  }
}

function errorPlaces({ open, wireCalls }: TurnParts): ErrorPlaces {
  return {
    turnOf(context, isFatal) {
      const turn = turnOf(context)
      if (turn !== undefined || !isFatal || requestOf(context) !== undefined) return turn
      // It ends the app, and with it the turn that is open. Of several it is not known which one it comes from.
      const turns = open.all().filter(({ span, isEnded }) => span !== undefined && !isEnded)
      return turns.length === 1 ? turns[0] : undefined
    },
    toolCallOf: (context, turn) =>
      apiCallOf(context)?.call ?? runningCall(context, [...(turn?.openTools.values() ?? [])]),
    lastCallEnd: (context) => wireCalls.lastEnd(requestOf(context)),
  }
}

/** Why a turn fails that the process leaves open. */
function exitFailure(code: number, { error, isSet }: FatalError): TurnFailure {
  if (!isSet) return { type: 'process_exit', message: `The process exited with code ${code}.` }
  const { type, message } = describeError(error)
  return { type, message, isRepeated: true }
}

/** What knows the workspace and its files. Nothing is observed yet. */
function createFileParts(config: Config, dependencies: ObserveDependencies) {
  const { recorder, unseen, folder, delayedEnds } = dependencies
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
        waitMsMax: config.processWaitMsMax,
        data: workspaceData(config, files, { folder, nativeCode }),
      }),
    spoolDirectory: config.spoolDirectory,
    capturesContent: config.contentBytesMax > 0,
    unseen,
    now,
    clock,
    after,
  })
  const nativeWriters = new NativeWriters({ nativeCode, workspace: children, now })
  const fileOperations = new FileOperations({
    recorder,
    files,
    now,
    delayedEnd: delayedEnds.after,
    changes: children,
    unseen,
  })
  return { files, nativeCode, children, nativeWriters, fileOperations }
}

/** Finds turns and tool calls in the host's servers, model calls and frameworks. */
function observeTurns(
  { children, nativeWriters }: FileParts,
  {
    recorder,
    tracerProvider,
    onSpanEnd,
    unseen,
    selfCheck,
    agent,
    isChild,
    timers,
    delayedEnds,
    conversationPlaces,
    undo,
  }: ObserveDependencies & Pick<Config, 'conversationPlaces'>,
) {
  const { now, clock, after } = timers
  const failures = new KnownFailures()
  const toolCalls = new ToolCalls(recorder, clock, { listener: nativeWriters, failures })
  const frameworks = observeFrameworkCalls((id, error) => {
    toolCalls.failed(id, asFailure(error), [turnOf(contexts.active())])
  })
  undo.push(frameworks.undo)
  const wireCalls = new WireCalls()
  const traces = new TurnTraces((span, parent) => recorder.adopt(span, parent))
  const nativeSpans = new NativeSpans({ recorder, toolCalls, wireCalls, traces, failures, now })
  onSpanEnd((span) => nativeSpans.ended(span))
  const telemetry = offerToHost(nativeSpans.provider(tracerProvider), clock)
  undo.push(telemetry.undo)
  const modelCalled = (): void => {
    frameworks.modelCalled()
    telemetry.modelCalled()
    selfCheck.modelCalled()
  }
  const waitingTurns = new WaitingTurns(delayedEnds.after)
  const approvals = createApprovals({ recorder, toolCalls })
  const open = new OpenCandidates()
  const prepare = (): void => children.prepare()
  const look = (): void => quietly('look at the workspace', prepare)
  const ofTurns = {
    recorder,
    open,
    agent,
    now,
    after,
    delayedEnd: delayedEnds.after,
    waitingTurns,
    approvals,
    earlyTraceId: (turn: Candidate) => traces.earlyTraceId(turn),
    conversationPlaces,
    onTurn: (turn: Candidate) => {
      quietly('adopt the spans of a turn', () => traces.turnBegan(turn))
      look()
      nativeWriters.turnBegan(turn)
    },
    onWait: (turn: Candidate) => {
      quietly('compare the children of a turn that waits', () => children.turnPaused(turn))
      nativeWriters.turnPaused(turn)
    },
  }
  const candidates: CandidateSource = {
    openCandidate: (facts) => new Candidate(facts, ofTurns),
    now,
  }
  const workOf = () => (isChild ? inheritedFileOwner(ROOT_CONTEXT)?.span : undefined)
  const inferredTurns = new InferredTurns(candidates, workOf)
  if (!isChild) undo.push(setTurnsOutside(inferredTurns))
  const retries = new RetriedCalls(after)
  const backgroundAnswers = new BackgroundAnswers(after)
  const ownServers = new OwnServers(clock)
  undo.push(ownServers.observe())
  const inFlight = new ProcessEnds()
  const ofExchanges = {
    recorder,
    ownServers,
    open,
    inferredTurns,
    backgroundAnswers,
    keptConversations: new KeptConversations(),
    wireCalls,
    traces,
    unseen,
    toolCalls,
    waitingTurns,
    approvals,
    modelCalled,
    modelAnswers: look,
    retries,
    inFlight,
    now,
    clock,
  }
  undo.push(observeHttpServers(candidates))
  undo.push(observeHttp2Servers(candidates))
  const openExchange = createExchanges(ofExchanges)
  undo.push(observeWebSockets(candidates, openExchange, clock))
  undo.push(observeModelClients(openExchange))
  return {
    toolCalls,
    candidates,
    open,
    retries,
    backgroundAnswers,
    inFlight,
    nativeSpans,
    wireCalls,
  }
}

/** Child processes and native code, whose writes pass no function of `node:fs`. */
function observeOtherWriters(
  { children, nativeCode }: FileParts,
  { isChild, childReports, session, undo }: ObserveDependencies,
): void {
  const hasTurns = mayHaveTurns(isChild)
  // The first command of an app may come soon. An installed program, such as npm or tsc, may only start others.
  undo.push(children.observe({ isStarted: hasTurns && isOwnScript(appScript()) }))
  undo.push(nativeCode.observe())
  if (!hasTurns) return
  // Now, and not while a child waits.
  session.onBegin(() => childReports.prepare())
}

/** What an agent's tool has started has no turns of its own, and only the main thread has an index of the workspace. */
function mayHaveTurns(isChild: boolean): boolean {
  return isMainThread && !isChild
}

function openApi({
  recorder,
  isChild,
  files,
  children,
  toolCalls,
  candidates,
  errorReports,
  timers: { now },
}: Pick<ObserveDependencies, 'recorder' | 'isChild' | 'timers'> &
  Pick<FileParts, 'files' | 'children'> &
  TurnParts & { readonly errorReports: ErrorReports }) {
  return {
    expectTurns: () => {
      if (mayHaveTurns(isChild)) quietly('look at the workspace', () => children.prepare())
    },
    decide: (decision) =>
      quietly('record a decision', () => emitDecision(recorder.logger, decision)),
    openTurn: (declared) =>
      quietly('open a turn', () =>
        openApiTurn(declared, { ...candidates, isReported: errorReports.isReported }),
      ),
    openToolCall: (call) =>
      quietly('open a tool call', () =>
        openApiToolCall(call, { recorder, toolCalls, reportError: errorReports.report, now }),
      ),
    fileOperation: (operation, id) =>
      quietly('record a file operation of the app', () =>
        recordApiFileOperation(operation, id, { recorder, files }),
      ),
  } satisfies TurnlogHandle
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

/**
 * Agents that an app starts as child processes: Claude Code, as the Claude Agent SDK starts it, and Codex. Such an agent calls its
 * models itself. So a request that starts one is a turn; without a request, a turn begins when the agent is started or asked, and
 * ends with its result (`agent-messages.ts`). The model calls and tool calls are the agent's own to record: with
 * `TELEMETRY_AGENT_CHILDREN=1`, Claude Code sends its spans to the same endpoint, in the turn's trace. Otherwise they are unseen, and
 * that is counted.
 */
import { ChildProcess } from 'node:child_process'
import { trace } from '@opentelemetry/api'
import { isObject } from '@turnlog/conventions/plain'
import { quietly } from '../health.ts'
import type { Candidate, CandidateSource } from '../record/candidate.ts'
import {
  contexts,
  contextWithCandidate,
  requestOf,
  runIn,
  turnOfModelCall,
} from '../record/contexts.ts'
import type { OpenCandidates } from '../record/open-candidates.ts'
import type { Recorder } from '../record/recorder.ts'
import type { UnseenWork } from '../record/unseen-work.ts'
import {
  type AgentArguments,
  type AgentResult,
  agentArguments,
  askedText,
  Lines,
  modelOf,
  resultOf,
} from './agent-messages.ts'
import { all, type Method, replaceMethod } from './replace-method.ts'
import { turnOfCall } from './turn-of-call.ts'

/** Where Claude Code sends what it traces. */
export interface AgentEndpoint {
  /** The base URL. */
  readonly endpoint: string
  readonly token: string | undefined
}

export interface AgentChildrenOptions {
  readonly recorder: Pick<Recorder, 'note' | 'startAgain'>
  readonly candidates: CandidateSource
  readonly open: OpenCandidates
  readonly unseen: UnseenWork
  /** `undefined`: agents are not asked to trace. */
  readonly traced: AgentEndpoint | undefined
}

type AgentName = 'claude' | 'codex'

interface StartedAgent extends AgentArguments {
  readonly name: AgentName
}

/** A longer text of an agent that reads or writes nothing else is not kept. */
const textLengthMax = 1024 ** 2

/** Begins to watch; the returned function ends it. */
export function observeAgentChildren(options: AgentChildrenOptions): () => void {
  const sessions = new WeakMap<object, AgentSession>()
  const starts = (original: Method): Method =>
    function (given, ...values) {
      const session = quietly('see an agent start', () => sessionOf(given, options))
      if (session === undefined) return original.apply(this, [given, ...values])
      const spawn = (): unknown => original.apply(this, [given, ...values])
      const { turn } = session
      const isOutside = turn !== undefined && requestOf(contexts.active()) === undefined
      const result = isOutside
        ? runIn(contextWithCandidate(contexts.active(), turn), spawn)
        : spawn()
      if (this instanceof ChildProcess) {
        sessions.set(this, session)
        quietly('watch an agent', () => watch(this, session))
      }
      return result
    }
  const ends = (original: Method): Method =>
    function (...values) {
      const [event, code, signal] = values
      if (event === 'close') {
        quietly('see an agent end', () => sessions.get(Object(this))?.closed(code, signal))
      }
      return original.apply(this, values)
    }
  return all([
    replaceMethod(ChildProcess.prototype, 'spawn', starts),
    replaceMethod(ChildProcess.prototype, 'emit', ends),
  ])
}

/** The variables that Claude Code gets, which Node is about to start from these options; `undefined`: it is something else. */
export function agentVariables(
  started: unknown,
  { endpoint, token }: AgentEndpoint,
): Readonly<Record<string, string>> | undefined {
  if (agentIn(started)?.name !== 'claude') return undefined
  return {
    CLAUDE_CODE_ENABLE_TELEMETRY: '1',
    // Its spans are sent only with this.
    CLAUDE_CODE_ENHANCED_TELEMETRY_BETA: '1',
    OTEL_TRACES_EXPORTER: 'otlp',
    OTEL_LOGS_EXPORTER: 'otlp',
    OTEL_METRICS_EXPORTER: 'otlp',
    OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf',
    OTEL_EXPORTER_OTLP_ENDPOINT: endpoint,
    ...(token === undefined
      ? {}
      : { OTEL_EXPORTER_OTLP_HEADERS: `authorization=Bearer ${encodeURIComponent(token)}` }),
    OTEL_LOG_USER_PROMPTS: '1',
    OTEL_LOG_TOOL_DETAILS: '1',
    OTEL_LOG_TOOL_CONTENT: '1',
    OTEL_LOG_ASSISTANT_RESPONSES: '1',
  }
}

/** What Node is about to start from these options, if it is an agent. */
function agentIn(started: unknown): StartedAgent | undefined {
  if (!isObject(started) || !Array.isArray(started.args)) return undefined
  const args = started.args.map(String)
  const name = agentName(String(started.file)) ?? scriptName(args[1] ?? '')
  return name === undefined ? undefined : { name, ...agentArguments(args) }
}

function agentName(file: string): AgentName | undefined {
  const [, name] = /(?:^|[\\/])(claude|codex)(?:\.exe)?$/.exec(file) ?? []
  return name as AgentName | undefined
}

/** Run by Node or another runtime. */
function scriptName(script: string): AgentName | undefined {
  const isClaude = /[\\/]@anthropic-ai[\\/]claude-(agent-sdk|code)[^\\/]*[\\/].*\.[cm]?js$/
  return isClaude.test(script) ? 'claude' : undefined
}

function sessionOf(started: unknown, options: AgentChildrenOptions): AgentSession | undefined {
  const agent = agentIn(started)
  if (agent === undefined) return undefined
  const isRequest = requestOf(contexts.active()) !== undefined
  // A person works with it in a terminal, or it only says its version.
  if (!agent.isAsked && !isRequest) return undefined
  const { unseen, traced } = options
  unseen.sawModel()
  if (agent.name !== 'claude' || traced === undefined) {
    unseen.add({ reason: 'agent_child', why: agent.name })
  }
  return new AgentSession(agent, options)
}

function watch({ stdin, stdout }: ChildProcess, session: AgentSession): void {
  const [asked, answered] = [new Lines(), new Lines()]
  const seeing =
    (see: (piece: string) => void) =>
    (original: Method): Method =>
      function (...values) {
        const [chunk] = values
        quietly('see a message of an agent', () => {
          if (typeof chunk === 'string') see(chunk)
          else if (chunk instanceof Uint8Array) see(Buffer.from(chunk).toString())
        })
        return original.apply(this, values)
      }
  if (stdin !== null) {
    const see = (piece: string): void => {
      session.read(piece)
      for (const line of asked.push(piece)) session.sent(line)
    }
    replaceMethod(stdin, 'write', seeing(see))
  }
  if (stdout === null) return
  const see = (piece: string): void => {
    session.wrote(piece)
    for (const line of answered.push(piece)) session.said(line)
  }
  // Chunks come this way however the host reads them.
  replaceMethod(stdout, 'push', seeing(see))
}

/** One agent that runs, and the turns that it works on, one after the other. */
class AgentSession {
  readonly #agent: StartedAgent
  readonly #options: AgentChildrenOptions
  #turn: Candidate | undefined
  /** The turn's user has asked the agent. */
  #isAsked: boolean = false
  /** Texts that it was asked while it worked. */
  readonly #waiting: string[] = []
  #model: string | undefined
  #input = ''
  #output = ''

  constructor(agent: StartedAgent, options: AgentChildrenOptions) {
    this.#agent = agent
    this.#options = options
    const active = contexts.active()
    if (requestOf(active) !== undefined) this.#workFor(turnOfModelCall(active))
    else this.#begin(agent.prompt)
    this.#isAsked = agent.prompt !== undefined
  }

  get turn(): Candidate | undefined {
    return this.#turn
  }

  /** A line that the app has written to it. */
  sent(line: string): void {
    const text = askedText(line)
    if (text === undefined) return
    if (this.#turn !== undefined && this.#isAsked) this.#waiting.push(text)
    else this.#ask(text)
  }

  /** A line of its output. */
  said(line: string): void {
    this.#model ??= modelOf(line)
    const result = resultOf(line)
    if (result !== undefined) this.#end(result)
  }

  /** A piece of what the app has written to it. */
  read(piece: string): void {
    if (this.#agent.readsText && this.#input.length <= textLengthMax) this.#input += piece
  }

  /** A piece of its output. */
  wrote(piece: string): void {
    if (this.#agent.answersText && this.#output.length <= textLengthMax) this.#output += piece
  }

  /** It has ended, and so has its output. */
  closed(code: unknown, signal: unknown): void {
    if (this.#turn === undefined) return
    const asked = this.#input.trim()
    if (!this.#isAsked && asked !== '' && asked.length <= textLengthMax) this.#ask(asked)
    const isEnded = code === 0 || typeof signal === 'string'
    if (typeof signal === 'string') this.#turn?.conclude('aborted')
    const text = this.#output.trim()
    const isKnown = code === 0 && text !== '' && text.length <= textLengthMax
    this.#end({
      text: isKnown ? text : undefined,
      failure: isEnded
        ? undefined
        : { type: 'process_exit', message: `The agent exited with code ${String(code)}.` },
      conversation: undefined,
    })
  }

  #ask(text: string): void {
    this.#isAsked = true
    const ofRequest = this.#requestWith(text)
    const current = this.#turn
    if (ofRequest === undefined) {
      if (current === undefined) this.#begin(text)
      else if (current.isInferred) current.setPrompt(text)
      return
    }
    if (ofRequest === current) return
    this.#workFor(ofRequest)
    if (current?.isInferred === true) current.continueTurn(ofRequest)
    current?.release()
  }

  /** The request whose user's text it is: a queue of the app may write in the context of another one. */
  #requestWith(text: string): Candidate | undefined {
    const own = requestOf(contexts.active())?.turn
    const found = turnOfCall({
      api: { asked: () => undefined, history: () => undefined },
      body: Buffer.from(JSON.stringify(text)),
      answered: [],
      own: own?.isEnded === true || own?.isInferred === true ? undefined : own,
      open: this.#options.open.all().filter((each) => !each.isInferred),
    })
    return found === 'ambiguous' ? undefined : found
  }

  #begin(prompt: string | undefined): void {
    const { candidates } = this.#options
    const active = trace.getSpan(contexts.active())
    const turn = candidates.openCandidate({
      startedAt: candidates.now(),
      // By the agent's result.
      endIsKnown: true,
      isInferred: true,
      links: active === undefined ? [] : [{ context: active.spanContext() }],
    })
    this.#workFor(turn)
    if (prompt !== undefined) turn.setPrompt(prompt)
  }

  #workFor(turn: Candidate | undefined): void {
    this.#turn = turn
    turn?.promote()
    turn?.decide()
    turn?.hold()
  }

  #end({ text, failure, conversation }: AgentResult): void {
    const turn = this.#turn
    if (turn === undefined) return
    this.#turn = undefined
    this.#isAsked = false
    this.#output = ''
    const isFailed = failure !== undefined
    if (isFailed) turn.fail(failure)
    if (text !== undefined && !turn.isDeclared) turn.answer(text)
    turn.callEnded({ isFailed, isAborted: false, repeatsPrompt: true })
    if (this.#model !== undefined) turn.describe({ 'gen_ai.request.model': this.#model })
    if (conversation !== undefined && turn.span !== undefined) {
      this.#options.recorder.note(turn.span, { conversation })
    }
    if (turn.isInferred) turn.finish()
    turn.release()
    const next = this.#waiting.shift()
    if (next !== undefined) this.#ask(next)
  }
}

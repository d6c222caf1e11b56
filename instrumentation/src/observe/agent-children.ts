/**
 * Agents that an app starts as child processes: Claude Code, as the Claude Agent SDK starts it, and Codex. Such an agent calls its
 * models itself. So a request that starts one is a turn, and without a request the agent's own work is one (`agent-session.ts`). The
 * model calls and tool calls are the agent's own to record: with `TELEMETRY_AGENT_CHILDREN=1`, Claude Code sends its spans to the same
 * endpoint, in the turn's trace. Otherwise they are unseen, and that is counted.
 */
import { ChildProcess } from 'node:child_process'
import { StringDecoder } from 'node:string_decoder'
import { viewOf } from '@turnlog/conventions/content/text'
import { asString } from '@turnlog/conventions/plain'
import { quietly } from '../health.ts'
import { Lines } from '../lines.ts'
import { contexts, contextWithCandidate, requestOf, runIn } from '../record/contexts.ts'
import type { UnseenWork } from '../record/unseen-work.ts'
import { type AgentCommand, agentIn } from './agent-command.ts'
import { messageLengthMax } from './agent-messages.ts'
import { type AgentEnd, AgentSession, type AgentSessionOptions } from './agent-session.ts'
import { type Command, fileCommand, shellCommand, spawnCommand } from './child-command.ts'
import { observePipes } from './child-pipes.ts'
import { describeError } from './errors.ts'
import { all, type Method, replaceInBuiltin, replaceMethod } from './replace-method.ts'

/** Where Claude Code sends what it traces. */
export interface AgentEndpoint {
  /** The base URL. */
  readonly endpoint: string
  readonly token: string | undefined
}

export interface AgentChildrenOptions extends AgentSessionOptions {
  readonly unseen: UnseenWork
  /** `undefined`: agents are not asked to trace. */
  readonly traced: AgentEndpoint | undefined
}

/** Begins to watch; the returned function ends it. */
export function observeAgentChildren(options: AgentChildrenOptions): () => void {
  const watched = new WeakMap<object, (end: AgentEnd) => void>()
  const starts = (original: Method): Method =>
    function (...values) {
      const open = () => sessionOf(spawnCommand(values[0]), options)
      const session = quietly('see an agent start', open)
      if (session === undefined) return original.apply(this, values)
      const result = startIn(session, () => original.apply(this, values))
      if (this instanceof ChildProcess) {
        quietly('watch an agent', () => watched.set(this, watch(this, session)))
      }
      return result
    }
  const ends = (original: Method): Method =>
    function (...values) {
      const [event, code, signal] = values
      if (event === 'close') {
        quietly('see an agent end', () => watched.get(Object(this))?.({ code, signal }))
      }
      return original.apply(this, values)
    }
  const runs = (original: Method, commandOf: (values: readonly unknown[]) => Command): Method =>
    function (...values) {
      // Only an agent that traces itself gets other arguments and environment. This one does not.
      const open = () => sessionOf(commandOf(values), { ...options, traced: undefined })
      const session = quietly('see an agent start', open)
      if (session === undefined) return original.apply(this, values)
      const result = startIn(session, () => original.apply(this, values))
      quietly('see an agent end', () => ended(session, result))
      return result
    }
  return all([
    replaceMethod(ChildProcess.prototype, 'spawn', starts),
    replaceMethod(ChildProcess.prototype, 'emit', ends),
    replaceInBuiltin('child_process', (childProcess) =>
      [
        ['execSync', shellCommand] as const,
        ['execFileSync', fileCommand] as const,
        ['spawnSync', fileCommand] as const,
      ].map(([name, commandOf]) =>
        replaceMethod(childProcess, name, (original) => runs(original, commandOf)),
      ),
    ),
  ])
}

/** The variables that Claude Code gets, which Node is about to start from these options; `undefined`: it is something else. */
export function agentVariables(
  started: unknown,
  { endpoint, token }: AgentEndpoint,
): Readonly<Record<string, string>> | undefined {
  if (agentIn(spawnCommand(started))?.name !== 'claude') return undefined
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

function sessionOf(command: Command, options: AgentChildrenOptions): AgentSession | undefined {
  const agent = agentIn(command)
  if (agent === undefined || !isAtWork(agent)) return undefined
  const { unseen, traced } = options
  unseen.sawModel()
  if (agent.name !== 'claude' || traced === undefined) {
    unseen.add({ reason: 'agent_child', why: agent.name })
  }
  return new AgentSession(agent, options)
}

/** Otherwise a person works with it in a terminal, or it only says its version. */
function isAtWork({ isAsked }: AgentCommand): boolean {
  return isAsked || requestOf(contexts.active()) !== undefined
}

/** Starts the agent in the context of its turn, so that the child's files and its own spans belong to that. */
function startIn(session: AgentSession, start: () => unknown): unknown {
  const { turn } = session
  const active = contexts.active()
  const isOutside = turn !== undefined && requestOf(active) === undefined
  try {
    return isOutside ? runIn(contextWithCandidate(active, turn), start) : start()
  } catch (cause) {
    quietly('see an agent fail', () => {
      const { type, message } = describeError(cause)
      session.failed({ type, message })
    })
    throw cause
  }
}

/** Returns what is to be called when its process has ended, and its output. */
function watch(process: ChildProcess, session: AgentSession): (end: AgentEnd) => void {
  const [asked, answered] = [new Lines(messageLengthMax), new Lines(messageLengthMax)]
  const [ofInput, ofOutput] = [new StringDecoder('utf8'), new StringDecoder('utf8')]
  observePipes(process, {
    written(chunk) {
      const text = typeof chunk === 'string' ? chunk : ofInput.write(viewOf(chunk))
      session.read(text)
      for (const line of asked.push(text)) session.sent(line)
    },
    read(chunk) {
      const text = typeof chunk === 'string' ? chunk : ofOutput.write(viewOf(chunk))
      session.wrote(text)
      for (const line of answered.push(text)) session.said(line)
    },
  })
  return (end) => {
    session.said(answered.end())
    session.closed(end)
  }
}

/** `result`: the output, or what `spawnSync` returns. */
function ended(session: AgentSession, result: unknown): void {
  const isOutput = typeof result === 'string' || result instanceof Uint8Array
  const { stdout, status, signal } = isOutput ? { stdout: result, status: 0 } : Object(result)
  const bytes = stdout instanceof Uint8Array ? stdout : Buffer.from(asString(stdout) ?? '')
  const text = viewOf(bytes).toString()
  session.wrote(text)
  for (const line of text.split('\n')) session.said(line)
  session.closed({ code: status, signal })
}

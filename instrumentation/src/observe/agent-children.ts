/**
 * Agents that an app starts as child processes and that trace themselves, with `TELEMETRY_AGENT_CHILDREN=1`: Claude Code, as the
 * Claude Agent SDK starts it. Such an agent calls its models itself, so the request that starts it is a turn; its spans are sent to
 * the same endpoint, in the turn's trace. What the host has set for the child stays.
 */
import { isObject } from '@turnlog/conventions/plain'
import { contexts, turnOfModelCall } from '../record/contexts.ts'

export interface AgentChildren {
  /** The base URL that the child sends to. */
  readonly endpoint: string
  readonly token: string | undefined
}

/** The variables that an agent gets, which Node is about to start from these options; `undefined`: it is none. */
export function agentVariables(
  started: unknown,
  { endpoint, token }: AgentChildren,
): Readonly<Record<string, string>> | undefined {
  if (!isObject(started) || !Array.isArray(started.args)) return undefined
  const [name, script] = [String(started.file), String(started.args[1])]
  if (!isClaude(name) && !isScriptOfClaude(script)) return undefined
  // The child takes over what its turn is.
  turnOfModelCall(contexts.active())
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

function isClaude(file: string): boolean {
  return /(^|[\\/])claude(\.exe)?$/.test(file)
}

/** Run by Node or another runtime. */
function isScriptOfClaude(script: string): boolean {
  return /[\\/]@anthropic-ai[\\/]claude-(agent-sdk|code)[^\\/]*[\\/].*\.[cm]?js$/.test(script)
}

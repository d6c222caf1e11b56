/**
 * Every setting of the instrumentation: name, default, limit, meaning. The only reader of the environment, once, at
 * the start. Settings come from the user's environment, never from files of the workspace the agent edits.
 */
import * as path from 'node:path'
import { accountName } from '@turnlog/conventions/account'
import {
  type Environment,
  oneOf,
  optional,
  type Parser,
  readSettings,
  type SettingsOf,
  setting,
  text,
  wholeNumber,
  xdgFolder,
} from '@turnlog/conventions/settings'
import { misspeltSettings } from './misspelt-settings.ts'
import { type ConversationPlace, parseConversationPlaces } from './record/conversation-places.ts'
import { parseEndpoint } from './upload/endpoint.ts'
import { type OtlpTargets, otlpTargets } from './upload/otlp-targets.ts'

const flag: Parser<boolean> = {
  parse(written) {
    if (/^(?:1|true|yes|on)$/i.test(written)) return true
    return /^(?:0|false|no|off)$/i.test(written) ? false : undefined
  },
  expected: 'true or false',
}

const conversationPlaces: Parser<readonly ConversationPlace[]> = {
  parse: parseConversationPlaces,
  expected: 'a list of members of the body, header:…, query:… and path:…/:id',
}

/** Every setting, as the documents show it. */
export const settings = {
  isEnabled: setting(flag, {
    env: 'TELEMETRY_ENABLED',
    default: true,
    doc: '`0`, `false`, `no` or `off`: nothing is patched, written or sent. `OTEL_SDK_DISABLED=true` says the same.',
  }),
  isQuiet: setting(flag, {
    env: 'TELEMETRY_QUIET',
    default: false,
    doc: '`1`, `true`, `yes` or `on`: no line on standard error says that nothing can be recorded, or that a setting cannot mean what was meant.',
  }),
  endpoint: optional(text, {
    env: 'TELEMETRY_ENDPOINT',
    doc: 'The base URL of the receiver or a Collector; a trailing `/api/v1/events` is understood. Without it: spool and Changes only, nothing is sent.',
  }),
  token: optional(text, {
    env: 'TELEMETRY_TOKEN',
    doc: 'The bearer token that is sent with every request.',
  }),
  agentChildren: setting(flag, {
    env: 'TELEMETRY_AGENT_CHILDREN',
    default: false,
    doc: '`1`, `true`, `yes` or `on`: Claude Code, which the Claude Agent SDK starts, sends its own spans, log events and metrics to `TELEMETRY_ENDPOINT`, in the trace of the turn. It gets the token in its environment, where the commands that it runs can read it.',
  }),
  exporter: setting(oneOf(['spool', 'otlp']), {
    env: 'TELEMETRY_EXPORTER',
    default: 'spool',
    doc: '`spool`: sealed records wait on disk until they have landed. `otlp`: they go through OpenTelemetry’s own exporters (OTLP/HTTP, JSON), for those who let a local Collector hold the queue; [OTLP.md](OTLP.md) says what that can lose.',
  }),
  otlpEndpoint: optional(text, {
    env: 'OTEL_EXPORTER_OTLP_ENDPOINT',
    defaultDoc: '`TELEMETRY_ENDPOINT`',
    doc: 'With `TELEMETRY_EXPORTER=otlp`: the base URL, before `TELEMETRY_ENDPOINT`. Without either nothing is sent; the standard’s `localhost:4318` is not assumed.',
  }),
  otlpTracesEndpoint: optional(text, {
    env: 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT',
    defaultDoc: '`OTEL_EXPORTER_OTLP_ENDPOINT` and `/v1/traces`',
    doc: 'With `TELEMETRY_EXPORTER=otlp`: where spans go, as it is.',
  }),
  otlpLogsEndpoint: optional(text, {
    env: 'OTEL_EXPORTER_OTLP_LOGS_ENDPOINT',
    defaultDoc: '`OTEL_EXPORTER_OTLP_ENDPOINT` and `/v1/logs`',
    doc: 'With `TELEMETRY_EXPORTER=otlp`: where log records go, as it is.',
  }),
  otlpHeaders: optional(text, {
    env: 'OTEL_EXPORTER_OTLP_HEADERS',
    doc: 'With `TELEMETRY_EXPORTER=otlp`: further headers, `name=value,…`. An `authorization` among them goes before `TELEMETRY_TOKEN`, which goes to no other server than `TELEMETRY_ENDPOINT` where that is set.',
  }),
  otlpTracesHeaders: optional(text, {
    env: 'OTEL_EXPORTER_OTLP_TRACES_HEADERS',
    doc: 'With `TELEMETRY_EXPORTER=otlp`: further headers of requests with spans.',
  }),
  otlpLogsHeaders: optional(text, {
    env: 'OTEL_EXPORTER_OTLP_LOGS_HEADERS',
    doc: 'With `TELEMETRY_EXPORTER=otlp`: further headers of requests with log records.',
  }),
  otlpTimeout: optional(text, {
    env: 'OTEL_EXPORTER_OTLP_TIMEOUT',
    defaultDoc: '`10000`',
    doc: 'With `TELEMETRY_EXPORTER=otlp`: milliseconds for one request and its repetitions; what it does not get through in that time is lost. Also for `…_TRACES_TIMEOUT` and `…_LOGS_TIMEOUT`.',
  }),
  otlpCompression: optional(text, {
    env: 'OTEL_EXPORTER_OTLP_COMPRESSION',
    doc: 'With `TELEMETRY_EXPORTER=otlp`: `gzip` or `none`. Also `…_TRACES_COMPRESSION` and `…_LOGS_COMPRESSION`. Certificates are those of `OTEL_EXPORTER_OTLP_CERTIFICATE`, `…_CLIENT_CERTIFICATE` and `…_CLIENT_KEY`.',
  }),
  receiver: optional(text, {
    env: 'TELEMETRY_RECEIVER',
    doc: 'The base URL of the receiver, where the endpoint is a Collector: there it is asked what has landed, and until then it is kept and, when it was lost, sent again. Straight to the receiver its answer says so, and this is not needed.',
  }),
  receiverToken: optional(text, {
    env: 'TELEMETRY_RECEIVER_TOKEN',
    defaultDoc: '`TELEMETRY_TOKEN`',
    doc: 'The bearer token for `TELEMETRY_RECEIVER`, where a gateway takes another one. It must be the same user’s: of others’ recorders the receiver says nothing.',
  }),
  resendAfterSeconds: setting(wholeNumber({ min: 1, max: 86_400 }), {
    env: 'TELEMETRY_RESEND_AFTER_SECONDS',
    default: 120,
    doc: 'How long a segment that a Collector took may be missing, once newer ones have landed, before it is sent again; twice and four times as long before the second and third time, and eight times before it is declared lost. From 1 to 86400.',
  }),
  keptDaysMax: setting(wholeNumber({ min: 0, max: 365 }), {
    env: 'TELEMETRY_KEPT_DAYS_MAX',
    default: 7,
    doc: 'How long a segment that was sent is kept while it is not known whether it has landed; older ones are given up and named in `unconfirmed.jsonl`. From 0 to 365.',
  }),
  keptBytesMax: setting(wholeNumber({ min: 0, max: Number.MAX_SAFE_INTEGER }), {
    env: 'TELEMETRY_KEPT_BYTES_MAX',
    default: 512 * 1024 ** 2,
    doc: 'Disk that such segments may use in one process; above it the oldest are given up in the same way.',
  }),
  sendsAfterExit: setting(flag, {
    env: 'TELEMETRY_SEND_AFTER_EXIT',
    default: true,
    doc: '`0`, `false`, `no` or `off`: no process is started at the end of the app to send what it leaves. Then the records of a process that lives less than two seconds or so wait until another one lives longer.',
  }),
  userId: optional(text, {
    env: 'TELEMETRY_USER_ID',
    defaultDoc: 'the operating system’s user name',
    doc: 'Who runs the app. The receiver replaces it by the user the token stands for.',
  }),
  conversationPlaces: setting(conversationPlaces, {
    env: 'TELEMETRY_CONVERSATION_ID',
    default: [],
    defaultDoc: 'none',
    doc: 'Where a request names its conversation, before what is recognised without it: a list, tried in its order, of members of the body (`room`, `data.room.id`), `header:x-room`, `query:room` and `path:/rooms/:id/say` (`*` is any segment, and more may follow).',
  }),
  workspace: optional(text, {
    env: 'TELEMETRY_WORKSPACE',
    defaultDoc: 'the working directory',
    doc: 'The folder whose files are recorded with their content. Outside of it: path, hash and size only.',
  }),
  spoolDirectory: optional(text, {
    env: 'TELEMETRY_SPOOL_DIRECTORY',
    defaultDoc: '`$XDG_STATE_HOME/turnlog/spool`, else `~/.local/state/turnlog/spool`',
    doc: 'Where records wait until they have landed, and where the Changes list is kept. Folders 0700, files 0600.',
  }),
  contentBytesMax: setting(wholeNumber({ min: 0, max: 16 * 1024 ** 2 }), {
    env: 'TELEMETRY_CONTENT_BYTES_MAX',
    default: 16 * 1024 ** 2,
    doc: 'Content above this is not recorded: its size is, and the reason `too_large`.',
  }),
  processFilesMax: setting(wholeNumber({ min: 0, max: 1_000_000 }), {
    env: 'TELEMETRY_PROCESS_FILES_MAX',
    default: 100_000,
    doc: 'How many files of the workspace are compared before and after each child process that a turn starts. Further files are counted. 0: no child process is observed.',
  }),
  processCopiedBytesMax: setting(wholeNumber({ min: 0, max: Number.MAX_SAFE_INTEGER }), {
    env: 'TELEMETRY_PROCESS_COPIED_BYTES_MAX',
    default: 256 * 1024 ** 2,
    doc: 'How much disk the private copies of the workspace may use. The content before a child’s change comes from these copies. Contents that changed may use as much again. Copies that share their blocks with the file (reflinks) do not count. Above the limit, only hash and size of further files are known.',
  }),
  processChangesMax: setting(wholeNumber({ min: 0, max: 100_000 }), {
    env: 'TELEMETRY_PROCESS_CHANGES_MAX',
    default: 2_000,
    doc: 'How many changes of one comparison become file operations. Further ones are counted.',
  }),
  processWaitMsMax: setting(wholeNumber({ min: 0, max: 10_000 }), {
    env: 'TELEMETRY_PROCESS_WAIT_MS_MAX',
    default: 10,
    doc: 'How many milliseconds the app waits for comparisons in one turn of its event loop, before a child process starts and after it has ended. With a longer wait, fewer contents are unknown on a busy machine.',
  }),
  inlineBytesMax: setting(wholeNumber({ min: 1_024, max: 16 * 1024 ** 2 }), {
    env: 'TELEMETRY_INLINE_BYTES_MAX',
    default: 128 * 1024,
    doc: 'Content above this leaves its record and travels by itself, in parts of at most 1 MiB; its hash stands in its place. From 1024 to 16777216. Of messages each text counts by itself.',
  }),
  serviceName: optional(text, {
    env: 'OTEL_SERVICE_NAME',
    defaultDoc: 'the name in the app’s package.json, else its main script',
    doc: 'What the app is called.',
  }),
} as const

const settingNames = Object.values(settings).map(({ env }) => env)
/** How much of an invalid value is repeated. */
const shownMax = 60

type Read = SettingsOf<typeof settings>

export interface Config
  extends Omit<Read, 'exporter' | 'userId' | 'workspace' | 'spoolDirectory' | `otlp${string}`> {
  /** OpenTelemetry's exporters, in place of the spool's delivery. */
  readonly otlp: OtlpTargets | undefined
  readonly userId: string
  /** Absolute. */
  readonly workspace: string
  /** Absolute. */
  readonly spoolDirectory: string
  /** Settings that cannot mean what was meant, each with what is done instead: sentences for the one line on the console. */
  readonly problems: readonly string[]
}

export function readConfig(environment: Environment = process.env): Config {
  const problems: string[] = []
  const read = readSettings(settings, environment, ({ env, expected, default: used }, written) => {
    const shown = written.length > shownMax ? `${written.slice(0, shownMax)}…` : written
    problems.push(`${env}: expected ${expected}, got '${shown}'. ${used} is used.`)
  })
  problems.push(...misspeltSettings(Object.keys(environment), settingNames))
  const baseUrlOf = (name: 'endpoint' | 'receiver', instead: string): string | undefined => {
    const result = read[name] === undefined ? undefined : parseEndpoint(read[name])
    if (result?.status !== 'invalid') return result?.baseUrl
    problems.push(`${settings[name].env}: ${result.reason} ${instead}`)
    return undefined
  }
  const endpoint = baseUrlOf('endpoint', 'Nothing is sent.')
  const isExporting = read.exporter === 'otlp'
  return {
    ...read,
    isEnabled: read.isEnabled && environment.OTEL_SDK_DISABLED?.trim() !== 'true',
    // If the exporters were asked for but cannot send, the spool does not send either.
    endpoint: isExporting ? undefined : endpoint,
    otlp: isExporting ? otlpOf({ ...read, endpoint }, problems) : undefined,
    receiver: baseUrlOf('receiver', 'Nobody is asked what has landed.'),
    receiverToken: read.receiverToken ?? read.token,
    // A container may run under a user id that has no name.
    userId: read.userId ?? accountName() ?? String(process.getuid?.() ?? 'unknown'),
    workspace: path.resolve(read.workspace ?? process.cwd()),
    spoolDirectory: path.resolve(
      read.spoolDirectory ??
        path.join(xdgFolder(environment, 'XDG_STATE_HOME'), 'turnlog', 'spool'),
    ),
    problems,
  }
}

function otlpOf(read: Read, problems: string[]): OtlpTargets | undefined {
  const variables = {
    endpoint: read.otlpEndpoint,
    tracesEndpoint: read.otlpTracesEndpoint,
    logsEndpoint: read.otlpLogsEndpoint,
    headers: read.otlpHeaders,
    tracesHeaders: read.otlpTracesHeaders,
    logsHeaders: read.otlpLogsHeaders,
  }
  const result = otlpTargets(variables, read)
  if (result.status === 'ok') return result.targets
  problems.push(`${settings.exporter.env}=otlp: ${result.reason}. Nothing is sent.`)
  return undefined
}

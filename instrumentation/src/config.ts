/**
 * Every setting of the instrumentation: name, default, limit, meaning. The only reader of the environment, once, at
 * the start. Settings come from the user's environment, never from files of the workspace the agent edits.
 */
import * as os from 'node:os'
import * as path from 'node:path'
import { type EndpointResult, parseEndpoint } from './upload/endpoint.ts'
import { type OtlpTargets, otlpTargets, type TelemetrySettings } from './upload/otlp-targets.ts'

export interface SettingDefinition {
  readonly env: string
  readonly default: string
  readonly doc: string
}

/** The settings, as the documents show them. */
export const settings = {
  isEnabled: {
    env: 'TELEMETRY_ENABLED',
    default: 'true',
    doc: '`0`, `false`, `no` or `off`: nothing is patched, written or sent. `OTEL_SDK_DISABLED=true` says the same.',
  },
  endpoint: {
    env: 'TELEMETRY_ENDPOINT',
    default: 'none',
    doc: 'The base URL of the receiver or a Collector; a trailing `/api/v1/events` is understood. Without it: spool and Changes only, nothing is sent.',
  },
  token: {
    env: 'TELEMETRY_TOKEN',
    default: 'none',
    doc: 'The bearer token that is sent with every request.',
  },
  exporter: {
    env: 'TELEMETRY_EXPORTER',
    default: 'spool',
    doc: '`spool`: sealed records wait on disk until they have landed. `otlp`: they go through OpenTelemetry’s own exporters (OTLP/HTTP, JSON), for those who let a local Collector hold the queue; [OTLP.md](OTLP.md) says what that can lose.',
  },
  otlpEndpoint: {
    env: 'OTEL_EXPORTER_OTLP_ENDPOINT',
    default: '`TELEMETRY_ENDPOINT`',
    doc: 'With `TELEMETRY_EXPORTER=otlp`: the base URL, before `TELEMETRY_ENDPOINT`. Without either nothing is sent; the standard’s `localhost:4318` is not assumed.',
  },
  otlpTracesEndpoint: {
    env: 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT',
    default: '`OTEL_EXPORTER_OTLP_ENDPOINT` and `/v1/traces`',
    doc: 'With `TELEMETRY_EXPORTER=otlp`: where spans go, as it is.',
  },
  otlpLogsEndpoint: {
    env: 'OTEL_EXPORTER_OTLP_LOGS_ENDPOINT',
    default: '`OTEL_EXPORTER_OTLP_ENDPOINT` and `/v1/logs`',
    doc: 'With `TELEMETRY_EXPORTER=otlp`: where log records go, as it is.',
  },
  otlpHeaders: {
    env: 'OTEL_EXPORTER_OTLP_HEADERS',
    default: 'none',
    doc: 'With `TELEMETRY_EXPORTER=otlp`: further headers, `name=value,…`; also `…_TRACES_HEADERS` and `…_LOGS_HEADERS`. An `authorization` among them goes before `TELEMETRY_TOKEN`, which goes to no other server than `TELEMETRY_ENDPOINT` where that is set.',
  },
  otlpTimeout: {
    env: 'OTEL_EXPORTER_OTLP_TIMEOUT',
    default: '10000',
    doc: 'With `TELEMETRY_EXPORTER=otlp`: milliseconds for one request and its repetitions; what it does not get through in that time is lost. Also for `…_TRACES_TIMEOUT` and `…_LOGS_TIMEOUT`.',
  },
  otlpCompression: {
    env: 'OTEL_EXPORTER_OTLP_COMPRESSION',
    default: 'none',
    doc: 'With `TELEMETRY_EXPORTER=otlp`: `gzip` or `none`. Also `…_TRACES_COMPRESSION` and `…_LOGS_COMPRESSION`. Certificates are those of `OTEL_EXPORTER_OTLP_CERTIFICATE`, `…_CLIENT_CERTIFICATE` and `…_CLIENT_KEY`.',
  },
  receiver: {
    env: 'TELEMETRY_RECEIVER',
    default: 'none',
    doc: 'The base URL of the receiver, where the endpoint is a Collector: there it is asked what has landed, and until then it is kept and, when it was lost, sent again. Straight to the receiver its answer says so, and this is not needed.',
  },
  receiverToken: {
    env: 'TELEMETRY_RECEIVER_TOKEN',
    default: '`TELEMETRY_TOKEN`',
    doc: 'The bearer token for `TELEMETRY_RECEIVER`, where a gateway takes another one. It must be the same user’s: of others’ recorders the receiver says nothing.',
  },
  resendAfterSeconds: {
    env: 'TELEMETRY_RESEND_AFTER_SECONDS',
    default: '120',
    doc: 'How long a segment that a Collector took may be missing, once newer ones have landed, before it is sent again; twice and four times as long before the second and third time, and eight times before it is declared lost. From 1 to 86400.',
  },
  keptDaysMax: {
    env: 'TELEMETRY_KEPT_DAYS_MAX',
    default: '7',
    doc: 'How long a segment that was sent is kept while it is not known whether it has landed; older ones are given up and named in `unconfirmed.jsonl`. From 0 to 365.',
  },
  keptBytesMax: {
    env: 'TELEMETRY_KEPT_BYTES_MAX',
    default: '536870912',
    doc: 'Disk that such segments may use in one process; above it the oldest are given up in the same way.',
  },
  userId: {
    env: 'TELEMETRY_USER_ID',
    default: 'the operating system’s user name',
    doc: 'Who runs the app. The receiver replaces it by the user the token stands for.',
  },
  workspace: {
    env: 'TELEMETRY_WORKSPACE',
    default: 'the working directory',
    doc: 'The folder whose files are recorded with their content. Outside of it: path, hash and size only.',
  },
  spoolDirectory: {
    env: 'TELEMETRY_SPOOL_DIRECTORY',
    default: '`$XDG_STATE_HOME/turnlog/spool`, else `~/.local/state/turnlog/spool`',
    doc: 'Where records wait until they have landed, and where the Changes list is kept. Folders 0700, files 0600.',
  },
  contentBytesMax: {
    env: 'TELEMETRY_CONTENT_BYTES_MAX',
    default: '16777216',
    doc: 'Content above this is not recorded: its size is, and the reason `too_large`.',
  },
  inlineBytesMax: {
    env: 'TELEMETRY_INLINE_BYTES_MAX',
    default: '131072',
    doc: 'Content above this leaves its record and travels by itself, in parts of at most 1 MiB; its hash stands in its place. From 1024 to 16777216. Of messages each text counts by itself.',
  },
  serviceName: {
    env: 'OTEL_SERVICE_NAME',
    default: 'the name in the app’s package.json, else its main script',
    doc: 'What the app is called.',
  },
} as const satisfies Record<string, SettingDefinition>

export interface Config {
  readonly isEnabled: boolean
  /** `undefined`: nothing is sent. */
  readonly endpoint: string | undefined
  readonly token: string | undefined
  /** OpenTelemetry's exporters, in place of the spool's delivery. */
  readonly otlp: OtlpTargets | undefined
  /** `undefined`: nobody is asked what has landed. */
  readonly receiver: string | undefined
  readonly receiverToken: string | undefined
  readonly resendAfterSeconds: number
  readonly keptDaysMax: number
  readonly keptBytesMax: number
  readonly userId: string
  /** Absolute. */
  readonly workspace: string
  /** Absolute. */
  readonly spoolDirectory: string
  readonly contentBytesMax: number
  readonly inlineBytesMax: number
  readonly serviceName: string | undefined
  /** Settings that could not be understood, each with what is done instead; for `diag`, never the console. */
  readonly problems: readonly string[]
}

type Environment = Readonly<Record<string, string | undefined>>

export function readConfig(environment: Environment = process.env): Config {
  const problems: string[] = []
  const read = (name: keyof typeof settings): string | undefined => {
    const value = environment[settings[name].env]?.trim()
    return value === undefined || value === '' ? undefined : value
  }
  const readBaseUrl = (name: keyof typeof settings, instead: string): string | undefined => {
    const value = read(name)
    if (value === undefined) return undefined
    const result: EndpointResult = parseEndpoint(value)
    if (result.status === 'ok') return result.baseUrl
    problems.push(`${settings[name].env}: ${result.reason} ${instead}`)
    return undefined
  }
  const readNumber = (
    name: keyof typeof settings,
    limits: { min: number; max: number },
  ): number => {
    const { env, default: text } = settings[name]
    const value = read(name) ?? text
    const number = Number(value)
    const isFit = Number.isSafeInteger(number) && number >= limits.min && number <= limits.max
    if (isFit) return number
    const expected = `a whole number from ${limits.min} to ${limits.max}`
    problems.push(`${env}: expected ${expected}, got '${value}'. ${text} is used.`)
    return Number(text)
  }
  const endpoint = readBaseUrl('endpoint', 'Nothing is sent.')
  const token = read('token')
  const exporter = readExporter(read('exporter'), problems)
  const otlp =
    exporter === 'otlp' ? readOtlp(environment, { endpoint, token }, problems) : undefined
  return {
    isEnabled: !isOff(read('isEnabled')) && environment.OTEL_SDK_DISABLED?.trim() !== 'true',
    // What was asked to go another way does not go this way when that cannot be.
    endpoint: exporter === 'otlp' ? undefined : endpoint,
    token,
    otlp,
    receiver: readBaseUrl('receiver', 'Nobody is asked what has landed.'),
    receiverToken: read('receiverToken') ?? token,
    resendAfterSeconds: readNumber('resendAfterSeconds', { min: 1, max: 86_400 }),
    keptDaysMax: readNumber('keptDaysMax', { min: 0, max: 365 }),
    keptBytesMax: readNumber('keptBytesMax', { min: 0, max: Number.MAX_SAFE_INTEGER }),
    userId: read('userId') ?? userName(),
    workspace: path.resolve(read('workspace') ?? process.cwd()),
    spoolDirectory: path.resolve(read('spoolDirectory') ?? defaultSpoolDirectory(environment)),
    contentBytesMax: readNumber('contentBytesMax', { min: 0, max: 16 * 1024 ** 2 }),
    inlineBytesMax: readNumber('inlineBytesMax', { min: 1_024, max: 16 * 1024 ** 2 }),
    serviceName: read('serviceName'),
    problems,
  }
}

function readExporter(value: string | undefined, problems: string[]): 'spool' | 'otlp' {
  if (value === undefined || value === 'spool' || value === 'otlp') return value ?? 'spool'
  problems.push(`${settings.exporter.env}: expected spool or otlp, got '${value}'. spool is used.`)
  return 'spool'
}

function readOtlp(
  environment: Environment,
  own: TelemetrySettings,
  problems: string[],
): OtlpTargets | undefined {
  const read = (name: string): string | undefined => {
    const value = environment[`OTEL_EXPORTER_OTLP_${name}`]?.trim()
    return value === undefined || value === '' ? undefined : value
  }
  const variables = {
    endpoint: read('ENDPOINT'),
    tracesEndpoint: read('TRACES_ENDPOINT'),
    logsEndpoint: read('LOGS_ENDPOINT'),
    headers: read('HEADERS'),
    tracesHeaders: read('TRACES_HEADERS'),
    logsHeaders: read('LOGS_HEADERS'),
  }
  const result = otlpTargets(variables, own)
  if (result.status === 'ok') return result.targets
  problems.push(`${settings.exporter.env}=otlp: ${result.reason}. Nothing is sent.`)
  return undefined
}

function isOff(value: string | undefined): boolean {
  return value !== undefined && /^(0|false|no|off)$/i.test(value)
}

/** XDG Base Directory Specification: relative values are ignored. */
function defaultSpoolDirectory(environment: Environment): string {
  const state = environment.XDG_STATE_HOME
  const base =
    state !== undefined && path.isAbsolute(state)
      ? state
      : path.join(os.homedir(), '.local', 'state')
  return path.join(base, 'turnlog', 'spool')
}

function userName(): string {
  try {
    return os.userInfo().username
  } catch {
    // A container may run under a user id that has no name.
    return String(process.getuid?.() ?? 'unknown')
  }
}

/**
 * Every setting of the instrumentation: name, default, limit, meaning. The only reader of the environment, once, at
 * the start. Settings come from the user's environment, never from files of the workspace the agent edits.
 */
import * as os from 'node:os'
import * as path from 'node:path'
import { type EndpointResult, parseEndpoint } from './upload/endpoint.ts'

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
  return {
    isEnabled: !isOff(read('isEnabled')) && environment.OTEL_SDK_DISABLED?.trim() !== 'true',
    endpoint: readBaseUrl('endpoint', 'Nothing is sent.'),
    token: read('token'),
    receiver: readBaseUrl('receiver', 'Nobody is asked what has landed.'),
    receiverToken: read('receiverToken') ?? read('token'),
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

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
  readonly userId: string
  /** Absolute. */
  readonly workspace: string
  /** Absolute. */
  readonly spoolDirectory: string
  readonly contentBytesMax: number
  readonly serviceName: string | undefined
  /** Settings that could not be understood, each with what is done instead; for `diag`, never the console. */
  readonly problems: readonly string[]
}

const defaultContentBytesMax = 16 * 1024 ** 2

type Environment = Readonly<Record<string, string | undefined>>

export function readConfig(environment: Environment = process.env): Config {
  const problems: string[] = []
  const read = (name: keyof typeof settings): string | undefined => {
    const value = environment[settings[name].env]?.trim()
    return value === undefined || value === '' ? undefined : value
  }
  return {
    isEnabled: !isOff(read('isEnabled')) && environment.OTEL_SDK_DISABLED?.trim() !== 'true',
    endpoint: readEndpoint(read('endpoint'), problems),
    token: read('token'),
    userId: read('userId') ?? userName(),
    workspace: path.resolve(read('workspace') ?? process.cwd()),
    spoolDirectory: path.resolve(read('spoolDirectory') ?? defaultSpoolDirectory(environment)),
    contentBytesMax: readBytes(read('contentBytesMax'), problems),
    serviceName: read('serviceName'),
    problems,
  }
}

function isOff(value: string | undefined): boolean {
  return value !== undefined && /^(0|false|no|off)$/i.test(value)
}

function readEndpoint(value: string | undefined, problems: string[]): string | undefined {
  if (value === undefined) return undefined
  const result: EndpointResult = parseEndpoint(value)
  if (result.status === 'ok') return result.baseUrl
  problems.push(`${settings.endpoint.env}: ${result.reason} Nothing is sent.`)
  return undefined
}

function readBytes(value: string | undefined, problems: string[]): number {
  if (value === undefined) return defaultContentBytesMax
  const bytes = Number(value)
  if (Number.isSafeInteger(bytes) && bytes >= 0 && bytes <= defaultContentBytesMax) return bytes
  problems.push(
    `${settings.contentBytesMax.env}: expected a number of bytes up to ${defaultContentBytesMax}, got '${value}'.`,
  )
  return defaultContentBytesMax
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

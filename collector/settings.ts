import { isIPv4 } from 'node:net'
import { homedir } from 'node:os'
import { isAbsolute, join, resolve } from 'node:path'
import { parseArgs } from 'node:util'

/** Every setting of `npm run collector`. The first of them are the configuration's own, which reads them as well. */
export const settings = {
  receiver: {
    env: 'TURNLOG_RECEIVER',
    default: 'http://127.0.0.1:4320',
    doc: 'Where records go: the receiver’s base URL.',
  },
  token: {
    env: 'TURNLOG_TOKEN',
    default: undefined,
    doc: 'The bearer token towards the receiver, of scope `ingest` or, for a gateway, `gateway`. Needed.',
  },
  host: {
    env: 'TURNLOG_COLLECTOR_HOST',
    default: '127.0.0.1',
    doc: 'The IPv4 address to listen on; `0.0.0.0` for all, as in a container.',
  },
  grpcPort: {
    env: 'TURNLOG_COLLECTOR_GRPC_PORT',
    default: '4317',
    doc: 'OTLP over gRPC.',
  },
  httpPort: {
    env: 'TURNLOG_COLLECTOR_HTTP_PORT',
    default: '4318',
    doc: 'OTLP over HTTP: what `TELEMETRY_ENDPOINT` names.',
  },
  healthPort: {
    env: 'TURNLOG_COLLECTOR_HEALTH_PORT',
    default: '13133',
    doc: 'Answers 200 while the Collector runs.',
  },
  metricsPort: {
    env: 'TURNLOG_COLLECTOR_METRICS_PORT',
    default: '8888',
    doc: 'The Collector’s own metrics, for Prometheus, at `/metrics`.',
  },
  queueDirectory: {
    env: 'TURNLOG_QUEUE_DIRECTORY',
    default: '/var/lib/otelcol/file_storage',
    doc: 'The queue on disk. With `npm run collector`: `turnlog/collector/queue` in the user’s state folder (XDG).',
  },
  queueBytesMax: {
    env: 'TURNLOG_QUEUE_BYTES_MAX',
    default: '3221225472',
    doc: 'How much of each signal the queue holds; what is above it waits at its sender. On disk it takes up to 2.5 times as much. From 67108864 to 3221225472. With `npm run collector`: an eighth of what is free on its disk.',
  },
  tokenFile: {
    env: 'TURNLOG_TOKEN_FILE',
    default: undefined,
    doc: 'For `collector/token-file.yaml`: a file that holds the token, in place of `TURNLOG_TOKEN`.',
  },
  usersFile: {
    env: 'TURNLOG_USERS_FILE',
    default: undefined,
    doc: 'For `collector/gateway.yaml`: the tokens that are let in, one a line.',
  },
  tlsCertificate: {
    env: 'TURNLOG_TLS_CERTIFICATE',
    default: undefined,
    doc: 'For `collector/tls.yaml`: a file with the certificate, and those that lead to its root, as PEM.',
  },
  tlsKey: {
    env: 'TURNLOG_TLS_KEY',
    default: undefined,
    doc: 'For `collector/tls.yaml`: a file with the certificate’s key, as PEM.',
  },
  jaeger: {
    env: 'TURNLOG_JAEGER',
    default: undefined,
    doc: 'For `collector/jaeger.yaml`: where Jaeger takes OTLP over HTTP.',
  },
  program: {
    env: 'TURNLOG_COLLECTOR_PROGRAM',
    default: undefined,
    doc: 'For `npm run collector`: another Collector to run, such as `otelcol-contrib`. Without it our own is built.',
  },
} as const satisfies Record<string, Setting>

export interface Setting {
  readonly env: string
  readonly default: string | undefined
  readonly doc: string
}

export interface Settings {
  /** Without a slash at its end. */
  readonly receiver: string
  readonly token: string
  readonly host: string
  readonly ports: Readonly<Record<'grpc' | 'http' | 'health' | 'metrics', number>>
  readonly queueDirectory: string
  /** Undefined: what the disk has room for. */
  readonly queueBytesMax: number | undefined
  readonly logPath: string
  /** Where built programs are kept. */
  readonly cacheDirectory: string
  readonly program: string | undefined
  /** On top of our own, in this order. */
  readonly configurations: readonly string[]
}

export type ReadSettings =
  | { readonly status: 'ok'; readonly settings: Settings }
  | { readonly status: 'invalid'; readonly reason: string }

/** An empty variable counts as absent. Paths are taken from where the user stands. */
export function readSettings(
  environment: NodeJS.ProcessEnv,
  commandLine: readonly string[],
): ReadSettings {
  const setting = (name: keyof typeof settings) =>
    environment[settings[name].env]?.trim() || undefined
  const folder = environment.INIT_CWD ?? process.cwd()
  const configurations = readConfigurations(commandLine, folder)
  if (configurations === undefined) {
    return invalid(
      `'${commandLine.join(' ')}' cannot be read: npm run collector -- --config <file> [--config <file> …]`,
    )
  }
  const receiver = setting('receiver') ?? settings.receiver.default
  if (!/^https?:$/.test(URL.parse(receiver)?.protocol ?? '')) {
    return invalid(
      `TURNLOG_RECEIVER must be an address such as ${settings.receiver.default}, not '${receiver}'.`,
    )
  }
  const token = setting('token')
  if (token === undefined) {
    return invalid(
      'TURNLOG_TOKEN is missing: the token with which the Collector sends. Make one: npx @turnlog/receiver token create --user <name> --scope ingest',
    )
  }
  const host = setting('host') ?? settings.host.default
  if (!isIPv4(host)) {
    return invalid(`${settings.host.env} must be an IPv4 address to listen on, not '${host}'.`)
  }
  const ports = readPorts(setting)
  if (typeof ports === 'string') return invalid(ports)
  const queueBytes = setting('queueBytesMax')
  const queueBytesMax = queueBytes === undefined ? undefined : readQueueBytes(queueBytes)
  if (queueBytesMax === 'invalid') {
    const { least, most } = queueBytesBounds
    return invalid(
      `${settings.queueBytesMax.env} must be a number of bytes from ${least} to ${most}, not '${queueBytes}'.`,
    )
  }
  const stateDirectory = join(
    baseDirectory(environment.XDG_STATE_HOME, '.local/state'),
    'turnlog/collector',
  )
  return {
    status: 'ok',
    settings: {
      receiver: receiver.replace(/\/+$/, ''),
      token,
      host,
      ports,
      queueDirectory: resolve(folder, setting('queueDirectory') ?? join(stateDirectory, 'queue')),
      queueBytesMax,
      logPath: join(stateDirectory, 'collector.log'),
      cacheDirectory: cacheDirectory(environment),
      program: setting('program'),
      configurations,
    },
  }
}

/** Where built programs are kept: outside the tree, so that a fresh checkout need not build again. */
export function cacheDirectory(environment: NodeJS.ProcessEnv): string {
  return join(baseDirectory(environment.XDG_CACHE_HOME, '.cache'), 'turnlog/collector')
}

function readConfigurations(commandLine: readonly string[], folder: string): string[] | undefined {
  try {
    const { values } = parseArgs({
      args: [...commandLine],
      options: { config: { type: 'string', multiple: true, default: [] } },
    })
    // One such as `yaml:…` is taken as the Collector itself takes it.
    return values.config.map((value) =>
      /^[a-z]{2,}:/.test(value) ? value : resolve(folder, value),
    )
  } catch {
    return undefined
  }
}

/** The largest request fits; the configuration's max_size is not reached. */
export const queueBytesBounds = {
  least: 64 * 1024 ** 2,
  most: Number(settings.queueBytesMax.default),
} as const

function readQueueBytes(text: string): number | 'invalid' {
  const { least, most } = queueBytesBounds
  const bytes = /^\d+$/.test(text) ? Number(text) : 0
  return bytes >= least && bytes <= most ? bytes : 'invalid'
}

function readPorts(
  setting: (name: keyof typeof settings) => string | undefined,
): Settings['ports'] | string {
  const names = {
    grpc: 'grpcPort',
    http: 'httpPort',
    health: 'healthPort',
    metrics: 'metricsPort',
  } as const
  const taken = new Map<number, string>()
  const ports = { grpc: 0, http: 0, health: 0, metrics: 0 }
  for (const [key, name] of Object.entries(names)) {
    const { env } = settings[name]
    const text = setting(name) ?? settings[name].default
    const port = /^\d+$/.test(text) ? Number(text) : 0
    if (port < 1 || port > 65_535) return `${env} must be a port from 1 to 65535, not '${text}'.`
    const other = taken.get(port)
    if (other !== undefined) return `${other} and ${env} must differ: both are ${port}.`
    taken.set(port, env)
    ports[key as keyof typeof ports] = port
  }
  return ports
}

/** XDG Base Directory Specification: a path that is not absolute is to be ignored. */
function baseDirectory(xdg: string | undefined, fallback: string): string {
  return xdg !== undefined && isAbsolute(xdg) ? xdg : join(homedir(), fallback)
}

function invalid(reason: string): ReadSettings {
  return { status: 'invalid', reason }
}

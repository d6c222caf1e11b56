import { isIPv4 } from 'node:net'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import {
  httpUrl,
  optional,
  type Parser,
  port,
  readOrExplain,
  type SettingsOf,
  setting,
  text,
  wholeNumber,
  xdgFolder,
} from '@turnlog/conventions/settings'

/** At least the size of the largest request; at most what keeps the configuration's max_size from being reached. */
export const queueBytesBounds = { min: 64 * 1024 ** 2, max: 3 * 1024 ** 3 } as const

const ipv4: Parser<string> = {
  parse: (written) => (isIPv4(written) ? written : undefined),
  expected: 'an IPv4 address to listen on',
}

/** All settings of `npm run collector`. The configuration files read most of them as well. */
export const settings = {
  receiver: setting(httpUrl('http://127.0.0.1:4320'), {
    env: 'TURNLOG_RECEIVER',
    default: 'http://127.0.0.1:4320',
    doc: 'The receiver’s base URL, to which records are sent.',
  }),
  token: optional(text, {
    env: 'TURNLOG_TOKEN',
    doc: 'The bearer token for the receiver, of scope `ingest` or, for a gateway, `gateway`. Required.',
  }),
  host: setting(ipv4, {
    env: 'TURNLOG_COLLECTOR_HOST',
    default: '127.0.0.1',
    doc: 'The IPv4 address to listen on; `0.0.0.0` for all interfaces, as in a container.',
  }),
  grpcPort: setting(port(), {
    env: 'TURNLOG_COLLECTOR_GRPC_PORT',
    default: 4317,
    doc: 'The port for OTLP over gRPC.',
  }),
  httpPort: setting(port(), {
    env: 'TURNLOG_COLLECTOR_HTTP_PORT',
    default: 4318,
    doc: 'The port for OTLP over HTTP, which `TELEMETRY_ENDPOINT` names.',
  }),
  healthPort: setting(port(), {
    env: 'TURNLOG_COLLECTOR_HEALTH_PORT',
    default: 13133,
    doc: 'The port of the health check, which answers 200 while the Collector runs.',
  }),
  metricsPort: setting(port(), {
    env: 'TURNLOG_COLLECTOR_METRICS_PORT',
    default: 8888,
    doc: 'The port of the Collector’s own metrics, for Prometheus, at `/metrics`.',
  }),
  queueDirectory: optional(text, {
    env: 'TURNLOG_QUEUE_DIRECTORY',
    defaultDoc: '`/var/lib/otelcol/file_storage`',
    doc: 'The folder of the queue. With `npm run collector`: `turnlog/collector/queue` in the user’s state folder (XDG).',
  }),
  queueBytesMax: optional(wholeNumber(queueBytesBounds), {
    env: 'TURNLOG_QUEUE_BYTES_MAX',
    defaultDoc: '`3221225472`',
    doc: 'The limit of the queue for each signal; further requests wait at their sender. On disk a signal takes up to 2.5 times its content. From 67108864 to 3221225472. With `npm run collector`: an eighth of the disk’s free space.',
    expected: `a number of bytes from ${queueBytesBounds.min} to ${queueBytesBounds.max}`,
  }),
  tokenFile: optional(text, {
    env: 'TURNLOG_TOKEN_FILE',
    doc: 'For `collector/token-file.yaml`: a file that contains the token, instead of `TURNLOG_TOKEN`.',
  }),
  usersFile: optional(text, {
    env: 'TURNLOG_USERS_FILE',
    doc: 'For `collector/gateway.yaml`: the file of accepted tokens, one a line.',
  }),
  tlsCertificate: optional(text, {
    env: 'TURNLOG_TLS_CERTIFICATE',
    doc: 'For `collector/tls.yaml`: a PEM file with the certificate and its chain.',
  }),
  tlsKey: optional(text, {
    env: 'TURNLOG_TLS_KEY',
    doc: 'For `collector/tls.yaml`: a PEM file with the certificate’s key.',
  }),
  jaeger: optional(text, {
    env: 'TURNLOG_JAEGER',
    doc: 'For `collector/jaeger.yaml`: Jaeger’s address for OTLP over HTTP.',
  }),
  program: optional(text, {
    env: 'TURNLOG_COLLECTOR_PROGRAM',
    doc: 'For `npm run collector`: another Collector to run, such as `otelcol-contrib`. Without it our distribution is built.',
  }),
} as const

/** The four ports on which the Collector listens. */
export const portNames = ['grpcPort', 'httpPort', 'healthPort', 'metricsPort'] as const

/** Paths are absolute. Without `queueBytesMax` the limit is computed from the disk's free space. */
export interface Settings extends Omit<SettingsOf<typeof settings>, 'token' | 'queueDirectory'> {
  readonly token: string
  readonly queueDirectory: string
  readonly logPath: string
  /** The folder of built programs. */
  readonly cacheDirectory: string
  /** Further configurations, applied to the main one in this order. */
  readonly configurations: readonly string[]
}

/** Paths are relative to the folder in which the user called npm. */
export function readCollectorSettings(
  environment: NodeJS.ProcessEnv,
  commandLine: readonly string[],
): { status: 'ok'; settings: Settings } | ReturnType<typeof invalid> {
  const folder = environment.INIT_CWD ?? process.cwd()
  const configurations = readConfigurations(commandLine, folder)
  if (configurations === undefined) {
    return invalid(
      `'${commandLine.join(' ')}' cannot be read: npm run collector -- --config <file> [--config <file> …]`,
    )
  }
  const outcome = readOrExplain(settings, environment, portNames)
  if (outcome.status === 'invalid') return outcome
  const { token, queueDirectory, ...read } = outcome.read
  if (token === undefined) {
    return invalid(
      'TURNLOG_TOKEN is missing: the token with which the Collector sends. Make one: npx turnlog-receiver token create --user <name> --scope ingest',
    )
  }
  const stateDirectory = join(xdgFolder(environment, 'XDG_STATE_HOME'), 'turnlog/collector')
  return {
    status: 'ok',
    settings: {
      ...read,
      token,
      queueDirectory: resolve(folder, queueDirectory ?? join(stateDirectory, 'queue')),
      logPath: join(stateDirectory, 'collector.log'),
      cacheDirectory: cacheDirectory(environment),
      configurations,
    },
  }
}

/** The folder of built programs. It is outside the repository, so that a new checkout need not build again. */
export function cacheDirectory(environment: NodeJS.ProcessEnv): string {
  return join(xdgFolder(environment, 'XDG_CACHE_HOME'), 'turnlog/collector')
}

function readConfigurations(commandLine: readonly string[], folder: string): string[] | undefined {
  try {
    const { values } = parseArgs({
      args: [...commandLine],
      options: { config: { type: 'string', multiple: true, default: [] } },
    })
    // A value such as `yaml:…` is passed to the Collector unchanged.
    return values.config.map((value) =>
      /^[a-z]{2,}:/.test(value) ? value : resolve(folder, value),
    )
  } catch {
    return undefined
  }
}

function invalid(reason: string) {
  return { status: 'invalid', reason } as const
}

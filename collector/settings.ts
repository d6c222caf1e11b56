import { isIPv4 } from 'node:net'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import {
  httpUrl,
  optional,
  type Parser,
  port,
  problemOf,
  problemOfPorts,
  readSettings,
  setting,
  text,
  wholeNumber,
  xdgFolder,
} from '@turnlog/conventions/settings'

/** The largest request fits; the configuration's max_size is not reached. */
export const queueBytesBounds = { min: 64 * 1024 ** 2, max: 3 * 1024 ** 3 } as const

const ipv4: Parser<string> = {
  parse: (written) => (isIPv4(written) ? written : undefined),
  expected: 'an IPv4 address to listen on',
}

/** Every setting of `npm run collector`. The first of them are the configuration's own, which reads them as well. */
export const settings = {
  receiver: setting({
    env: 'TURNLOG_RECEIVER',
    default: 'http://127.0.0.1:4320',
    doc: 'Where records go: the receiver’s base URL.',
    ...httpUrl('http://127.0.0.1:4320'),
  }),
  token: optional({
    env: 'TURNLOG_TOKEN',
    doc: 'The bearer token towards the receiver, of scope `ingest` or, for a gateway, `gateway`. Needed.',
    ...text,
  }),
  host: setting({
    env: 'TURNLOG_COLLECTOR_HOST',
    default: '127.0.0.1',
    doc: 'The IPv4 address to listen on; `0.0.0.0` for all, as in a container.',
    ...ipv4,
  }),
  grpcPort: setting({
    env: 'TURNLOG_COLLECTOR_GRPC_PORT',
    default: 4317,
    doc: 'OTLP over gRPC.',
    ...port(),
  }),
  httpPort: setting({
    env: 'TURNLOG_COLLECTOR_HTTP_PORT',
    default: 4318,
    doc: 'OTLP over HTTP: what `TELEMETRY_ENDPOINT` names.',
    ...port(),
  }),
  healthPort: setting({
    env: 'TURNLOG_COLLECTOR_HEALTH_PORT',
    default: 13133,
    doc: 'Answers 200 while the Collector runs.',
    ...port(),
  }),
  metricsPort: setting({
    env: 'TURNLOG_COLLECTOR_METRICS_PORT',
    default: 8888,
    doc: 'The Collector’s own metrics, for Prometheus, at `/metrics`.',
    ...port(),
  }),
  queueDirectory: optional({
    env: 'TURNLOG_QUEUE_DIRECTORY',
    defaultDoc: '`/var/lib/otelcol/file_storage`',
    doc: 'The queue on disk. With `npm run collector`: `turnlog/collector/queue` in the user’s state folder (XDG).',
    ...text,
  }),
  queueBytesMax: optional({
    env: 'TURNLOG_QUEUE_BYTES_MAX',
    defaultDoc: '`3221225472`',
    doc: 'How much of each signal the queue holds; what is above it waits at its sender. On disk it takes up to 2.5 times as much. From 67108864 to 3221225472. With `npm run collector`: an eighth of what is free on its disk.',
    ...wholeNumber(queueBytesBounds),
    expected: `a number of bytes from ${queueBytesBounds.min} to ${queueBytesBounds.max}`,
  }),
  tokenFile: optional({
    env: 'TURNLOG_TOKEN_FILE',
    doc: 'For `collector/token-file.yaml`: a file that holds the token, in place of `TURNLOG_TOKEN`.',
    ...text,
  }),
  usersFile: optional({
    env: 'TURNLOG_USERS_FILE',
    doc: 'For `collector/gateway.yaml`: the tokens that are let in, one a line.',
    ...text,
  }),
  tlsCertificate: optional({
    env: 'TURNLOG_TLS_CERTIFICATE',
    doc: 'For `collector/tls.yaml`: a file with the certificate, and those that lead to its root, as PEM.',
    ...text,
  }),
  tlsKey: optional({
    env: 'TURNLOG_TLS_KEY',
    doc: 'For `collector/tls.yaml`: a file with the certificate’s key, as PEM.',
    ...text,
  }),
  jaeger: optional({
    env: 'TURNLOG_JAEGER',
    doc: 'For `collector/jaeger.yaml`: where Jaeger takes OTLP over HTTP.',
    ...text,
  }),
  program: optional({
    env: 'TURNLOG_COLLECTOR_PROGRAM',
    doc: 'For `npm run collector`: another Collector to run, such as `otelcol-contrib`. Without it our own is built.',
    ...text,
  }),
} as const

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

/** Paths are relative to the folder in which the user called npm. */
export function readCollectorSettings(
  environment: NodeJS.ProcessEnv,
  commandLine: readonly string[],
): ReadSettings {
  const folder = environment.INIT_CWD ?? process.cwd()
  const configurations = readConfigurations(commandLine, folder)
  if (configurations === undefined) {
    return invalid(
      `'${commandLine.join(' ')}' cannot be read: npm run collector -- --config <file> [--config <file> …]`,
    )
  }
  const problems: string[] = []
  const read = readSettings(settings, environment, (...wrong) => problems.push(problemOf(...wrong)))
  const { receiver, token, host, queueBytesMax, program } = read
  const { grpcPort, httpPort, healthPort, metricsPort } = settings
  const problem =
    problems[0] ??
    problemOfPorts({
      [grpcPort.env]: read.grpcPort,
      [httpPort.env]: read.httpPort,
      [healthPort.env]: read.healthPort,
      [metricsPort.env]: read.metricsPort,
    })
  if (problem !== undefined) return invalid(problem)
  if (token === undefined) {
    return invalid(
      'TURNLOG_TOKEN is missing: the token with which the Collector sends. Make one: npx turnlog-receiver token create --user <name> --scope ingest',
    )
  }
  const stateDirectory = join(xdgFolder(environment, 'XDG_STATE_HOME'), 'turnlog/collector')
  return {
    status: 'ok',
    settings: {
      receiver,
      token,
      host,
      ports: {
        grpc: read.grpcPort,
        http: read.httpPort,
        health: read.healthPort,
        metrics: read.metricsPort,
      },
      queueDirectory: resolve(folder, read.queueDirectory ?? join(stateDirectory, 'queue')),
      queueBytesMax,
      logPath: join(stateDirectory, 'collector.log'),
      cacheDirectory: cacheDirectory(environment),
      program,
      configurations,
    },
  }
}

/** Where built programs are kept: outside the tree, so that a fresh checkout need not build again. */
export function cacheDirectory(environment: NodeJS.ProcessEnv): string {
  return join(xdgFolder(environment, 'XDG_CACHE_HOME'), 'turnlog/collector')
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

function invalid(reason: string): ReadSettings {
  return { status: 'invalid', reason }
}

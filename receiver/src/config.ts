/** Every setting of the receiver, in one table; read once, frozen, handed down. */
import { readFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { reachableHost } from './address.ts'
import { TurnlogError } from './errors.ts'
import { retentionDaysMax } from './period.ts'

interface Setting<Value> {
  readonly env: string
  readonly default: Value
  readonly doc: string
  /** Undefined when the text says nothing that is allowed. */
  parse(text: string): Value | undefined
}

function setting<Value>(definition: Setting<Value>): Setting<Value> {
  return definition
}

export const settings = {
  databaseUrl: setting<string | undefined>({
    env: 'DATABASE_URL',
    default: undefined,
    parse: parseDatabaseUrl,
    doc: 'The PostgreSQL (15 or newer) to land in. Without it the receiver starts one of its own in the data folder.',
  }),
  databasePasswordFile: setting<string | undefined>({
    env: 'TURNLOG_DATABASE_PASSWORD_FILE',
    default: undefined,
    parse: (text) => text,
    doc: 'A file that holds the password for a DATABASE_URL that has none, so that it stands in no environment.',
  }),
  host: setting<string>({
    env: 'TURNLOG_RECEIVER_HOST',
    default: '127.0.0.1',
    parse: parseAddress,
    doc: 'The IP address to listen on; 0.0.0.0 for all, as in a container. Tokens travel in clear, so what others reach belongs behind TLS.',
  }),
  port: setting<number>({
    env: 'TURNLOG_RECEIVER_PORT',
    default: 4320,
    parse: parsePort,
    doc: 'The port to listen on; 0 for any free one.',
  }),
  dataFolder: setting<string>({
    env: 'TURNLOG_DATA',
    default: '',
    parse: (text) => text,
    doc: 'Where the embedded PostgreSQL keeps its data. By default `turnlog` in the user’s data folder (XDG).',
  }),
  postgresPort: setting<number | undefined>({
    env: 'TURNLOG_PG_PORT',
    default: undefined,
    parse: parsePort,
    doc: 'The port of the embedded PostgreSQL. By default any free one, then kept.',
  }),
  pageHosts: setting<readonly string[]>({
    env: 'TURNLOG_RECEIVER_HOSTS',
    default: [],
    parse: (text) => text.split(',').map((host) => host.trim().toLowerCase()),
    doc: 'Host names under which the pages answer besides localhost, separated by commas, and the address it listens on; a request for another one is refused, which stops DNS rebinding.',
  }),
  bodyBytesMax: setting<number>({
    env: 'TURNLOG_RECEIVER_BODY_BYTES_MAX',
    default: 64 * 1024 ** 2,
    parse: parsePositiveInteger,
    doc: 'A request body above this, after decompression, is answered 413.',
  }),
  attachmentBytesMax: setting<number>({
    env: 'TURNLOG_RECEIVER_ATTACHMENT_BYTES_MAX',
    default: 64 * 1024 ** 2,
    parse: parsePositiveInteger,
    doc: 'An attachment above this, after decompression, is answered 413. PostgreSQL keeps none above 1 GB.',
  }),
  memoryBytesMax: setting<number>({
    env: 'TURNLOG_RECEIVER_MEMORY_BYTES_MAX',
    default: 256 * 1024 ** 2,
    parse: parsePositiveInteger,
    doc: 'Memory that requests may take at one moment, estimated from their bodies. One that does not fit beside others is answered 503 and comes again.',
  }),
  retentionDays: setting<number>({
    env: 'TURNLOG_RETENTION_DAYS',
    default: 30,
    parse: parseRetention,
    doc: `Days that records are kept, 1 to ${retentionDaysMax}, or \`off\`: then nothing expires by itself. Whole days (UTC) are dropped, a day late at most; older records are refused.`,
  }),
  databaseBytesMax: setting<number | undefined>({
    env: 'TURNLOG_DATABASE_BYTES_MAX',
    default: undefined,
    parse: parsePositiveInteger,
    doc: 'When the database takes more, nothing lands: requests are answered 503 and come again, once days have expired or were purged. By default the disk is the limit.',
  }),
  connectionsMax: setting<number>({
    env: 'TURNLOG_RECEIVER_CONNECTIONS_MAX',
    default: 10,
    parse: parsePositiveInteger,
    doc: 'Connections to the database.',
  }),
  publicUrl: setting<string | undefined>({
    env: 'TURNLOG_RECEIVER_PUBLIC_URL',
    default: undefined,
    parse: parseHttpUrl,
    doc: 'Where people reach this receiver, such as https://turnlog.example.com: links that sign in and those in answers for Jaeger and Grafana begin with it, and the pages answer under its name. By default links begin with the address that was asked, or that it listens on.',
  }),
  jaegerAttributeBytesMax: setting<number>({
    env: 'TURNLOG_JAEGER_ATTRIBUTE_BYTES_MAX',
    default: 64 * 1024,
    parse: parsePositiveInteger,
    doc: 'An attribute above this is shown in Jaeger and Grafana by its beginning, its size and a link: their pages grow slow with it. Nothing is cut where it is stored.',
  }),
  jaegerReadsMax: setting<number>({
    env: 'TURNLOG_JAEGER_READS_MAX',
    default: 4,
    parse: parsePositiveInteger,
    doc: 'Statements that are at work for Jaeger and Grafana at one moment; the others wait, and beyond eight requests for each of them the answer is 503. Fewer than there are connections, so that some are left for landing.',
  }),
  jaegerReadSecondsMax: setting<number>({
    env: 'TURNLOG_JAEGER_SECONDS_MAX',
    default: 30,
    parse: (text) => parseAtMost(text, 60),
    doc: 'A search that takes longer than so many seconds, 60 at most, is ended and answered 504.',
  }),
} as const

type Settings = typeof settings
export type Config = {
  readonly [Name in keyof Settings]: Settings[Name] extends Setting<infer Value> ? Value : never
}

/** Throws `TL_SETTING_INVALID`, naming the setting and what it must be; an empty one counts as absent. */
export function readConfig(environment: NodeJS.ProcessEnv): Config {
  const read = <Value>({ env, default: fallback, parse, doc }: Setting<Value>): Value => {
    const text = environment[env]
    if (text === undefined || text.trim() === '') return fallback
    const value = parse(text.trim())
    if (value !== undefined) return value
    // A database address holds a password.
    const shown = env === settings.databaseUrl.env ? 'is not one' : `is '${text}'`
    throw new TurnlogError('TL_SETTING_INVALID', `${env} ${shown}. ${doc}`)
  }
  const host = read(settings.host)
  const databasePasswordFile = read(settings.databasePasswordFile)
  const publicUrl = read(settings.publicUrl)
  return Object.freeze({
    databaseUrl: withPasswordOf(databasePasswordFile, read(settings.databaseUrl)),
    databasePasswordFile,
    host,
    port: read(settings.port),
    dataFolder: read(settings.dataFolder) || defaultDataFolder(environment),
    postgresPort: read(settings.postgresPort),
    // No name can be made to mean the address itself, and the public one is the operator's own.
    pageHosts: [...read(settings.pageHosts), reachableHost(host), ...hostOf(publicUrl)],
    bodyBytesMax: read(settings.bodyBytesMax),
    attachmentBytesMax: read(settings.attachmentBytesMax),
    memoryBytesMax: read(settings.memoryBytesMax),
    retentionDays: read(settings.retentionDays),
    databaseBytesMax: read(settings.databaseBytesMax),
    connectionsMax: read(settings.connectionsMax),
    publicUrl,
    jaegerAttributeBytesMax: read(settings.jaegerAttributeBytesMax),
    jaegerReadsMax: read(settings.jaegerReadsMax),
    jaegerReadSecondsMax: read(settings.jaegerReadSecondsMax),
  })
}

/** `$XDG_DATA_HOME/turnlog`, by default `~/.local/share/turnlog`; a relative XDG path counts as none (XDG). */
function defaultDataFolder(environment: NodeJS.ProcessEnv): string {
  const xdg = environment.XDG_DATA_HOME
  const base = xdg?.startsWith('/') ? xdg : join(homedir(), '.local', 'share')
  return join(base, 'turnlog')
}

function parseDatabaseUrl(text: string): string | undefined {
  return /^postgres(ql)?:\/\//.test(text) && URL.canParse(text) ? text : undefined
}

/** What ends a line in the file is not part of the password. */
function withPasswordOf(file: string | undefined, text: string | undefined): string | undefined {
  if (file === undefined || text === undefined) return text
  const url = new URL(text)
  if (url.password !== '') return text
  url.password = encodeURIComponent(readPassword(file))
  return url.href
}

function readPassword(file: string): string {
  const { env } = settings.databasePasswordFile
  try {
    const password = readFileSync(file, 'utf8').replace(/\r?\n$/, '')
    if (password !== '') return password
  } catch (cause) {
    const reason = cause instanceof Error && 'code' in cause ? ` (${String(cause.code)})` : ''
    throw new TurnlogError('TL_SETTING_INVALID', `${env}: '${file}' cannot be read${reason}.`, {
      cause,
    })
  }
  throw new TurnlogError('TL_SETTING_INVALID', `${env}: '${file}' is empty.`)
}

function parseAddress(text: string): string | undefined {
  return isIP(text) === 0 ? undefined : text
}

function parsePort(text: string): number | undefined {
  const port = /^\d+$/.test(text) ? Number(text) : Number.NaN
  return port <= 65_535 ? port : undefined
}

/** Days; Infinity for `off`. */
function parseRetention(text: string): number | undefined {
  if (text.toLowerCase() === 'off') return Number.POSITIVE_INFINITY
  const days = parsePositiveInteger(text)
  return days !== undefined && days <= retentionDaysMax ? days : undefined
}

function hostOf(url: string | undefined): readonly string[] {
  return url === undefined ? [] : [new URL(url).hostname]
}

/** Without the slash at its end. */
function parseHttpUrl(text: string): string | undefined {
  return /^https?:\/\//.test(text) && URL.canParse(text) ? text.replace(/\/+$/, '') : undefined
}

function parseAtMost(text: string, max: number): number | undefined {
  const value = parsePositiveInteger(text)
  return value === undefined || value > max ? undefined : value
}

function parsePositiveInteger(text: string): number | undefined {
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN
  return Number.isSafeInteger(value) && value > 0 ? value : undefined
}

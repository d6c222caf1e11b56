/** Every setting of the receiver, in one table; read once, frozen, handed down. */
import { readFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { join } from 'node:path'
import { errorName } from '@turnlog/conventions/plain'
import {
  httpUrl,
  optional,
  type Parser,
  port,
  positiveInteger,
  postgresUrl,
  readSettings,
  type SettingsOf,
  setting,
  text,
  wholeNumber,
  xdgFolder,
} from '@turnlog/conventions/settings'
import { reachableHost } from './address.ts'
import { TurnlogError } from './errors.ts'
import { retentionDaysMax } from './period.ts'

const address: Parser<string> = {
  parse: (written) => (isIP(written) === 0 ? undefined : written),
  expected: 'an IP address',
}

const hostNames: Parser<readonly string[]> = {
  parse: (written) => written.split(',').map((host) => host.trim().toLowerCase()),
  expected: 'names, separated by commas',
}

/** Days; Infinity for `off`. */
const retention: Parser<number> = {
  parse: (written) =>
    written.toLowerCase() === 'off'
      ? Number.POSITIVE_INFINITY
      : wholeNumber({ min: 1, max: retentionDaysMax }).parse(written),
  expected: `a number of days from 1 to ${retentionDaysMax}, or off`,
}

export const settings = {
  databaseUrl: optional({
    env: 'DATABASE_URL',
    doc: 'The PostgreSQL (15 or newer) to land in. Without it the receiver starts one of its own in the data folder.',
    ...postgresUrl,
    isSecret: true,
  }),
  databasePasswordFile: optional({
    env: 'TURNLOG_DATABASE_PASSWORD_FILE',
    doc: 'A file that holds the password for a DATABASE_URL that has none, so that it stands in no environment.',
    ...text,
  }),
  host: setting({
    env: 'TURNLOG_RECEIVER_HOST',
    default: '127.0.0.1',
    doc: 'The IP address to listen on; 0.0.0.0 for all, as in a container. Tokens travel in clear, so what others reach belongs behind TLS.',
    ...address,
  }),
  port: setting({
    env: 'TURNLOG_RECEIVER_PORT',
    default: 4320,
    doc: 'The port to listen on; 0 for any free one.',
    ...port({ min: 0 }),
  }),
  dataFolder: setting({
    env: 'TURNLOG_DATA',
    default: '',
    doc: 'Where the embedded PostgreSQL keeps its data. By default `turnlog` in the user’s data folder (XDG).',
    ...text,
  }),
  postgresPort: optional({
    env: 'TURNLOG_PG_PORT',
    doc: 'The port of the embedded PostgreSQL. By default any free one, then kept.',
    ...port({ min: 0 }),
  }),
  pageHosts: setting<readonly string[]>({
    env: 'TURNLOG_RECEIVER_HOSTS',
    default: [],
    doc: 'Host names under which the pages answer besides localhost, separated by commas, and the address it listens on; a request for another one is refused, which stops DNS rebinding.',
    ...hostNames,
  }),
  bodyBytesMax: setting({
    env: 'TURNLOG_RECEIVER_BODY_BYTES_MAX',
    default: 64 * 1024 ** 2,
    doc: 'A request body above this, after decompression, is answered 413.',
    ...positiveInteger,
  }),
  attachmentBytesMax: setting({
    env: 'TURNLOG_RECEIVER_ATTACHMENT_BYTES_MAX',
    default: 64 * 1024 ** 2,
    doc: 'An attachment above this, after decompression, is answered 413. PostgreSQL keeps none above 1 GB.',
    ...positiveInteger,
  }),
  memoryBytesMax: setting({
    env: 'TURNLOG_RECEIVER_MEMORY_BYTES_MAX',
    default: 256 * 1024 ** 2,
    doc: 'Memory that requests may take at one moment, estimated from their bodies. One that does not fit beside others is answered 503 and comes again.',
    ...positiveInteger,
  }),
  retentionDays: setting({
    env: 'TURNLOG_RETENTION_DAYS',
    default: 30,
    doc: `Days that records are kept, 1 to ${retentionDaysMax}, or \`off\`: then nothing expires by itself. Whole days (UTC) are dropped, a day late at most; older records are refused.`,
    ...retention,
  }),
  databaseBytesMax: optional({
    env: 'TURNLOG_DATABASE_BYTES_MAX',
    doc: 'When the database takes more, nothing lands: requests are answered 503 and come again, once days have expired or were purged. By default the disk is the limit.',
    ...positiveInteger,
  }),
  connectionsMax: setting({
    env: 'TURNLOG_RECEIVER_CONNECTIONS_MAX',
    default: 10,
    doc: 'Connections to the database.',
    ...positiveInteger,
  }),
  publicUrl: optional({
    env: 'TURNLOG_RECEIVER_PUBLIC_URL',
    doc: 'Where people reach this receiver, such as https://turnlog.example.com: links that sign in and those in answers for Jaeger and Grafana begin with it, and the pages answer under its name. By default links begin with the address that was asked, or that it listens on.',
    ...httpUrl('https://turnlog.example.com'),
  }),
  jaegerAttributeBytesMax: setting({
    env: 'TURNLOG_JAEGER_ATTRIBUTE_BYTES_MAX',
    default: 64 * 1024,
    doc: 'An attribute above this is shown in Jaeger and Grafana by its beginning, its size and a link: their pages grow slow with it. Nothing is cut where it is stored.',
    ...positiveInteger,
  }),
  jaegerReadsMax: setting({
    env: 'TURNLOG_JAEGER_READS_MAX',
    default: 4,
    doc: 'Statements that are at work for Jaeger and Grafana at one moment; the others wait, and beyond eight requests for each of them the answer is 503. Fewer than there are connections, so that some are left for landing.',
    ...positiveInteger,
  }),
  jaegerReadSecondsMax: setting({
    env: 'TURNLOG_JAEGER_SECONDS_MAX',
    default: 30,
    doc: 'A search that takes longer than so many seconds, 60 at most, is ended and answered 504.',
    ...wholeNumber({ min: 1, max: 60 }),
  }),
} as const

export type Config = SettingsOf<typeof settings>

/** Throws `TL_SETTING_INVALID`, naming the setting and what it must be. */
export function readConfig(environment: NodeJS.ProcessEnv): Config {
  const read = readSettings(settings, environment, ({ env, doc, isSecret }, written) => {
    const what = isSecret ? 'is not one' : `is '${written}'`
    throw new TurnlogError('TL_SETTING_INVALID', `${env} ${what}. ${doc}`)
  })
  const { databasePasswordFile, databaseUrl, dataFolder, host, pageHosts, publicUrl } = read
  return Object.freeze({
    ...read,
    databaseUrl: withPasswordOf(databasePasswordFile, databaseUrl),
    dataFolder: dataFolder || join(xdgFolder(environment, 'XDG_DATA_HOME'), 'turnlog'),
    // No name can be made to mean the address itself, and the public one is the operator's own.
    pageHosts: [...pageHosts, reachableHost(host), ...hostOf(publicUrl)],
  })
}

/** What ends a line in the file is not part of the password. */
function withPasswordOf(file: string | undefined, address: string | undefined): string | undefined {
  if (file === undefined || address === undefined) return address
  const url = new URL(address)
  if (url.password !== '') return address
  url.password = encodeURIComponent(readPassword(file))
  return url.href
}

function readPassword(file: string): string {
  const { env } = settings.databasePasswordFile
  try {
    const password = readFileSync(file, 'utf8').replace(/\r?\n$/, '')
    if (password !== '') return password
  } catch (cause) {
    const reason = errorName(cause)
    throw new TurnlogError('TL_SETTING_INVALID', `${env}: '${file}' cannot be read (${reason}).`, {
      cause,
    })
  }
  throw new TurnlogError('TL_SETTING_INVALID', `${env}: '${file}' is empty.`)
}

function hostOf(url: string | undefined): readonly string[] {
  return url === undefined ? [] : [new URL(url).hostname]
}

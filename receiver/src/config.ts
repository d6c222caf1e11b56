/** Every setting of the receiver, in one table; read once and frozen. */
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
  databaseUrl: optional(postgresUrl, {
    env: 'DATABASE_URL',
    doc: 'The PostgreSQL database (15 or newer) to store records in. Without it, the receiver starts an embedded PostgreSQL in the data folder.',
    isSecret: true,
  }),
  databasePasswordFile: optional(text, {
    env: 'TURNLOG_DATABASE_PASSWORD_FILE',
    doc: 'A file with the password for a DATABASE_URL that has none, so that the password is in no environment.',
  }),
  host: setting(address, {
    env: 'TURNLOG_RECEIVER_HOST',
    default: '127.0.0.1',
    doc: 'The IP address to listen on; 0.0.0.0 for all, as in a container. Tokens are sent unencrypted, so a receiver that other machines reach needs TLS in front of it.',
  }),
  port: setting(port({ min: 0 }), {
    env: 'TURNLOG_RECEIVER_PORT',
    default: 4320,
    doc: 'The port to listen on; 0 for any free port.',
  }),
  dataFolder: setting(text, {
    env: 'TURNLOG_DATA',
    default: '',
    doc: 'The folder of the embedded PostgreSQL. By default `turnlog` in the user’s data folder (XDG).',
  }),
  postgresPort: optional(port({ min: 0 }), {
    env: 'TURNLOG_PG_PORT',
    doc: 'The port of the embedded PostgreSQL. By default a free port, which is then used again.',
  }),
  pageHosts: setting<readonly string[]>(hostNames, {
    env: 'TURNLOG_RECEIVER_HOSTS',
    default: [],
    doc: 'Host names under which the pages answer, separated by commas, in addition to localhost and the address it listens on. Requests for other names are refused, which prevents DNS rebinding.',
  }),
  bodyBytesMax: setting(positiveInteger, {
    env: 'TURNLOG_RECEIVER_BODY_BYTES_MAX',
    default: 64 * 1024 ** 2,
    doc: 'A request body above this size, after decompression, is answered 413.',
  }),
  attachmentBytesMax: setting(positiveInteger, {
    env: 'TURNLOG_RECEIVER_ATTACHMENT_BYTES_MAX',
    default: 64 * 1024 ** 2,
    doc: 'An attachment above this size, after decompression, is answered 413. PostgreSQL cannot store one above 1 GB.',
  }),
  memoryBytesMax: setting(positiveInteger, {
    env: 'TURNLOG_RECEIVER_MEMORY_BYTES_MAX',
    default: 256 * 1024 ** 2,
    doc: 'Memory that all current requests may use, estimated from their bodies. A request that does not fit is answered 503, and the client repeats it.',
  }),
  retentionDays: setting(retention, {
    env: 'TURNLOG_RETENTION_DAYS',
    default: 30,
    doc: `Days that records are kept, 1 to ${retentionDaysMax}, or \`off\`: then nothing expires. Whole days (UTC) are dropped, at most a day late; older records are refused.`,
  }),
  databaseBytesMax: optional(positiveInteger, {
    env: 'TURNLOG_DATABASE_BYTES_MAX',
    doc: 'When the database is larger, nothing lands: requests are answered 503, and land when clients repeat them after days have expired or were purged. By default the disk is the limit.',
  }),
  connectionsMax: setting(positiveInteger, {
    env: 'TURNLOG_RECEIVER_CONNECTIONS_MAX',
    default: 10,
    doc: 'Connections to the database.',
  }),
  publicUrl: optional(httpUrl('https://turnlog.example.com'), {
    env: 'TURNLOG_RECEIVER_PUBLIC_URL',
    doc: 'The address under which people reach this receiver, such as https://turnlog.example.com. Sign-in links and links in Jaeger and Grafana begin with it, and the pages answer under its name. By default links begin with the requested address, or the one it listens on.',
  }),
  jaegerAttributeBytesMax: setting(positiveInteger, {
    env: 'TURNLOG_JAEGER_ATTRIBUTE_BYTES_MAX',
    default: 64 * 1024,
    doc: 'If an attribute is above this size, Jaeger and Grafana show its beginning, its size and a link, since their pages are slow with large values. The stored value is not cut.',
  }),
  jaegerReadsMax: setting(positiveInteger, {
    env: 'TURNLOG_JAEGER_READS_MAX',
    default: 4,
    doc: 'Statements that may run for Jaeger and Grafana at the same time. Others wait; when eight requests for each of these are waiting, further ones are answered 503. Should be less than the number of connections, so that some are left for landing.',
  }),
  jaegerReadSecondsMax: setting(wholeNumber({ min: 1, max: 60 }), {
    env: 'TURNLOG_JAEGER_SECONDS_MAX',
    default: 30,
    doc: 'A search that takes longer than this many seconds, at most 60, is ended and answered 504.',
  }),
} as const

export type Config = SettingsOf<typeof settings>

/** Throws `TL_SETTING_INVALID`, naming the setting and what it must be. */
export function readConfig(environment: NodeJS.ProcessEnv): Config {
  const read = readSettings(settings, environment, ({ env, doc, isSecret }, written) => {
    const what = isSecret ? 'is not valid' : `is '${written}'`
    throw new TurnlogError('TL_SETTING_INVALID', `${env} ${what}. ${doc}`)
  })
  const { databasePasswordFile, databaseUrl, dataFolder, host, pageHosts, publicUrl } = read
  return Object.freeze({
    ...read,
    databaseUrl: withPasswordOf(databasePasswordFile, databaseUrl),
    dataFolder: dataFolder || join(xdgFolder(environment, 'XDG_DATA_HOME'), 'turnlog'),
    // DNS cannot redirect the listening address itself, and the operator controls the public name.
    pageHosts: [...pageHosts, reachableHost(host), ...hostOf(publicUrl)],
  })
}

/** Adds the password of the file to an address without one. A line end at the end of the file is not part of it. */
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

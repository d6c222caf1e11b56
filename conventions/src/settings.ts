/**
 * Settings, each stated once: a table of names, defaults, parsers and sentences becomes a typed reader and the rows of the
 * documents. A package has one table, reads it once at its start, and decides what an invalid value means there.
 */
import { isAbsolute, join } from 'node:path'
import { homeFolder } from './account.ts'

export type Environment = Readonly<Record<string, string | undefined>>

export interface Parser<Value> {
  /** Undefined when the text is not allowed. It is neither empty nor surrounded by blanks. */
  parse(text: string): Value | undefined
  /** Completes "must be …". */
  readonly expected: string
}

export interface Setting<Value> extends Parser<Value> {
  readonly env: string
  readonly default: Value
  /** The default in the documents, where it is computed or where the value itself is hard to read. */
  readonly defaultDoc?: string
  /** The effect of the setting, in sentences for documents and messages. */
  readonly doc: string
  /** The value must not appear in messages. */
  readonly isSecret?: boolean
}

export type SettingsTable = Readonly<Record<string, Setting<unknown>>>
export type SettingsOf<Table extends SettingsTable> = {
  readonly [Name in keyof Table]: Table[Name] extends Setting<infer Value> ? Value : never
}

type Stated<Value> = Omit<Setting<Value>, keyof Parser<Value>> & { readonly expected?: string }

export function setting<Value>(
  parser: Parser<Value>,
  stated: Stated<NoInfer<Value>>,
): Setting<Value> {
  return { ...parser, ...stated }
}

/** A setting that is undefined by default. */
export function optional<Value>(
  parser: Parser<Value>,
  stated: Omit<Stated<Value>, 'default'>,
): Setting<Value | undefined> {
  return { ...parser, ...stated, default: undefined }
}

/**
 * Reads every setting of the table. An empty variable counts as absent. An invalid one is reported to `onInvalid`, which
 * may throw; the default is used otherwise.
 */
export function readSettings<Table extends SettingsTable>(
  table: Table,
  environment: Environment,
  onInvalid: (setting: Setting<unknown>, text: string) => void,
): SettingsOf<Table> {
  const read = Object.entries(table).map(([name, setting]) => {
    const text = environment[setting.env]?.trim() ?? ''
    const value = text === '' ? setting.default : setting.parse(text)
    if (value === undefined && text !== '') onInvalid(setting, text)
    return [name, value ?? setting.default] as const
  })
  return Object.fromEntries(read) as SettingsOf<Table>
}

/** The usual sentence about an invalid value. */
export function problemOf({ env, expected, isSecret }: Setting<unknown>, text: string): string {
  return `${env} must be ${expected}${isSecret ? '' : `, not '${text}'`}.`
}

/** Describes the first two settings that have the same port; undefined when all ports differ. */
export function problemOfPorts(
  ports: Readonly<Record<string, number | undefined>>,
): string | undefined {
  const taken = new Map<number, string>()
  for (const [env, port] of Object.entries(ports)) {
    if (port === undefined) continue
    const other = taken.get(port)
    if (other !== undefined) return `${other} and ${env} must differ: both are ${port}.`
    taken.set(port, env)
  }
  return undefined
}

/** Reads every setting. The reason is the first invalid setting, or two of the ports `portNames` that are the same. */
export function readOrExplain<Table extends SettingsTable>(
  table: Table,
  environment: Environment,
  portNames: readonly (keyof Table)[],
): { status: 'ok'; read: SettingsOf<Table> } | { status: 'invalid'; reason: string } {
  const problems: string[] = []
  const read = readSettings(table, environment, (...wrong) => problems.push(problemOf(...wrong)))
  const ports = portNames.map((name) => [table[name]?.env, read[name]])
  const reason = problems[0] ?? problemOfPorts(Object.fromEntries(ports))
  return reason === undefined ? { status: 'ok', read } : { status: 'invalid', reason }
}

/** A row of the documents for each setting. */
export function settingRows(table: SettingsTable) {
  return Object.values(table).map((setting) => ({
    env: setting.env,
    default: setting.defaultDoc ?? defaultText(setting),
    doc: setting.doc,
  }))
}

function defaultText({ default: value }: Setting<unknown>): string {
  const text = String(value ?? '')
  return text === '' ? 'none' : `\`${text}\``
}

export const text: Parser<string> = { parse: (written) => written, expected: 'a text' }

export function wholeNumber(limits: {
  readonly min: number
  readonly max: number
}): Parser<number> {
  const { min, max } = limits
  return {
    parse(written) {
      // Digits, and what people write of large numbers: 1e9.
      const number = /^\d+(?:\.\d+)?(?:e\d+)?$/i.test(written) ? Number(written) : Number.NaN
      return Number.isSafeInteger(number) && number >= min && number <= max ? number : undefined
    },
    expected: `a whole number from ${min} to ${max}`,
  }
}

export const positiveInteger = wholeNumber({ min: 1, max: Number.MAX_SAFE_INTEGER })

export function port({ min = 1 } = {}): Parser<number> {
  const max = 65_535
  return { ...wholeNumber({ min, max }), expected: `a port from ${min} to ${max}` }
}

/** Without a slash at its end. */
export function httpUrl(example: string): Parser<string> {
  return {
    parse: (written) =>
      /^https?:$/.test(URL.parse(written)?.protocol ?? '')
        ? written.replace(/\/+$/, '')
        : undefined,
    expected: `an address such as ${example}`,
  }
}

export const postgresUrl: Parser<string> = {
  parse: (written) =>
    /^postgres(ql)?:\/\//.test(written) && URL.canParse(written) ? written : undefined,
  expected: 'an address such as postgresql://user:password@host/name',
}

export function oneOf<const Value extends string>(values: readonly Value[]): Parser<Value> {
  return {
    parse: (written) => values.find((value) => value === written),
    expected: values.join(' or '),
  }
}

/** A base folder of the XDG Base Directory Specification; a relative path in the variable is ignored, as it demands. */
export function xdgFolder(
  environment: Environment,
  variable: 'XDG_DATA_HOME' | 'XDG_STATE_HOME' | 'XDG_CACHE_HOME',
): string {
  const folder = environment[variable]
  return folder !== undefined && isAbsolute(folder)
    ? folder
    : join(homeFolder(), xdgDefaults[variable])
}

const xdgDefaults = {
  XDG_DATA_HOME: '.local/share',
  XDG_STATE_HOME: '.local/state',
  XDG_CACHE_HOME: '.cache',
} as const

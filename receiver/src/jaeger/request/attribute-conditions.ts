/**
 * Tags as they are searched for → conditions. Values are always text: equal is what would be shown with that text,
 * `123` an integer as well as a string, `72.5` a double, `true` a boolean. Pure.
 */
import { createHash } from 'node:crypto'
import type { Condition, StoredForms } from '../../storage/queries/find-traces.ts'
import { kindOf } from './kinds.ts'

export function toConditions(
  attributes: ReadonlyMap<string, string>,
): readonly (readonly Condition[])[] {
  return [...attributes].map(([key, value]) => alternativesOf(key, value))
}

/** What Jaeger searches beside attributes, under the names its own stores and its tags have for it. */
function alternativesOf(key: string, value: string): readonly Condition[] {
  const plain: Condition = { of: 'anything', key: cleanName(key), value: storedForms(value) }
  switch (key) {
    case 'user.id':
      // The one the token stands for, as it is shown, and not who the sender says it is.
      return [{ of: 'user', userId: cleanName(value) }]
    case 'error': {
      const isError = parseBoolean(value)
      if (isError === undefined) return [plain]
      return [{ of: 'status', codes: isError ? [2] : [0, 1] }, plain]
    }
    case 'span.kind': {
      const kind = kindOf(value)
      return [kind === undefined ? { of: 'nothing' } : { of: 'kind', kind }, plain]
    }
    case 'span.status':
    case 'otel.status_code': {
      const code = ['UNSET', 'OK', 'ERROR'].indexOf(value.toUpperCase())
      return [{ of: 'status', codes: [code] }, plain]
    }
    case 'otel.status_description':
      return [{ of: 'status_message', text: cleanName(value) }, plain]
    case 'scope.name':
    case 'otel.scope.name':
      return [{ of: 'scope', member: 'name', text: cleanName(value) }, plain]
    case 'scope.version':
    case 'otel.scope.version':
      return [{ of: 'scope', member: 'version', text: cleanName(value) }, plain]
  }
  const resourceKey = /^resource\.(.+)$/s.exec(key)?.[1]
  if (resourceKey === undefined) return [plain]
  return [{ of: 'resource', key: cleanName(resourceKey), value: plain.value }, plain]
}

/** As Go's `strconv.ParseBool`. */
export function parseBoolean(text: string): boolean | undefined {
  if (/^(1|t|T|true|TRUE|True)$/.test(text)) return true
  if (/^(0|f|F|false|FALSE|False)$/.test(text)) return false
  return undefined
}

/** As names are stored: PostgreSQL takes neither NUL nor halves of surrogates. */
export function cleanName(text: string): string {
  return text.toWellFormed().replaceAll('\0', '\u{fffd}')
}

function storedForms(value: string): StoredForms {
  const isStorable = cleanName(value) === value
  const texts = isStorable ? [value] : []
  const double = Number(value)
  // A double is stored with all its digits, `1.0` where it has no fraction.
  if (String(double) === value && Number.isFinite(double)) texts.push(plainDecimal(double))
  return {
    texts,
    json: isStorable ? structureOf(value) : undefined,
    hashes: [hashOf(Buffer.from(value)), ...hashOfBase64(value)],
  }
}

/** As PostgreSQL writes what was landed as this double. */
function plainDecimal(double: number): string {
  if (Number.isInteger(double)) return `${BigInt(double)}.0`
  const [, sign = '', whole = '', fraction = '', exponent = '0'] =
    /^(-?)(\d+)(?:\.(\d+))?(?:e([-+]\d+))?$/.exec(String(double)) ?? []
  const shift = Number(exponent)
  if (shift >= 0) return String(double)
  return `${sign}0.${'0'.repeat(-shift - whole.length)}${whole}${fraction}`
}

/** The JSON text of a list or map, as it may stand in a row. */
function structureOf(text: string): string | undefined {
  if (!/^\s*[[{]/.test(text)) return undefined
  try {
    const json = JSON.stringify(JSON.parse(text))
    return cleanName(json) === json && !/\\u(0000|d[89a-f])/i.test(json) ? json : undefined
  } catch {
    return undefined
  }
}

/** Bytes are shown as Base64. */
function hashOfBase64(text: string): string[] {
  const bytes = Buffer.from(text, 'base64')
  return text !== '' && bytes.toString('base64') === text ? [hashOf(bytes)] : []
}

function hashOf(bytes: Buffer): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`
}

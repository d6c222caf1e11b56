/**
 * Tags to search for → conditions. The values are always text, and match whatever is shown as that text: `123` matches an
 * integer and a string, `72.5` a double, `true` a boolean. Pure.
 */
import { hashContent } from '@turnlog/conventions/content/description'
import type { Condition, StoredForms } from '../../storage/queries/find-traces.ts'
import { parseBoolean, parseKind } from './parameter-values.ts'

export function toConditions(
  attributes: ReadonlyMap<string, string>,
): readonly (readonly Condition[])[] {
  return [...attributes].map(([key, value]) => alternativesOf(key, value))
}

/** Jaeger also searches these columns, under the names of its own stores and tags. */
function alternativesOf(key: string, value: string): readonly Condition[] {
  const plain: Condition = { of: 'anything', key: cleanName(key), value: storedForms(value) }
  switch (key) {
    case 'user.id':
      // The token's user, which is shown, and not the sender's claim.
      return [{ of: 'user', userId: cleanName(value) }]
    case 'error': {
      const isError = parseBoolean(value)
      if (isError === undefined) return [plain]
      return [{ of: 'status', codes: isError ? [2] : [0, 1] }, plain]
    }
    case 'span.kind': {
      const kind = parseKind(value)
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

/** A name as it is stored: PostgreSQL takes neither NUL nor lone surrogates. */
export function cleanName(text: string): string {
  return text.toWellFormed().replaceAll('\0', '\u{fffd}')
}

function storedForms(value: string): StoredForms {
  const isStorable = cleanName(value) === value
  const texts = isStorable ? [value] : []
  const double = Number(value)
  // A double is stored with all its digits, `1.0` when it has no fraction.
  if (String(double) === value && Number.isFinite(double)) texts.push(plainDecimal(double))
  return {
    texts,
    json: isStorable ? structureOf(value) : undefined,
    hashes: [hashContent(Buffer.from(value)), ...hashOfBase64(value)],
  }
}

/** The double as PostgreSQL writes it. */
function plainDecimal(double: number): string {
  if (Number.isInteger(double)) return `${BigInt(double)}.0`
  const [, sign = '', whole = '', fraction = '', exponent = '0'] =
    /^(-?)(\d+)(?:\.(\d+))?(?:e([-+]\d+))?$/.exec(String(double)) ?? []
  const shift = Number(exponent)
  if (shift >= 0) return String(double)
  return `${sign}0.${'0'.repeat(-shift - whole.length)}${whole}${fraction}`
}

/** The JSON text of a list or map as a row may hold it. */
function structureOf(text: string): string | undefined {
  if (!/^\s*[[{]/.test(text)) return undefined
  try {
    const json = JSON.stringify(JSON.parse(text))
    return cleanName(json) === json && !/\\u(0000|d[89a-f])/i.test(json) ? json : undefined
  } catch {
    return undefined
  }
}

/** Bytes are shown in Base64. */
function hashOfBase64(text: string): string[] {
  const bytes = Buffer.from(text, 'base64')
  return text !== '' && bytes.toString('base64') === text ? [hashContent(bytes)] : []
}

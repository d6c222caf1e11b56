/**
 * What makes two log records without an id of their own the same record: the hash of resource,
 * scope and record. Equal in protobuf and JSON, and whatever the order of attributes.
 *
 * Each part is written with its kind and length, so that no two different records are written alike.
 */
import type { Buffer } from 'node:buffer'
import { createHash, type Hash } from 'node:crypto'
import { isMap } from './json-text.ts'
import type { AnyValue, AttributeMap, LogRecord, Resource, Scope } from './request.ts'
import { encodeText } from './text.ts'

/** It says how far the recorder was when the request was sealed, and so differs from one to the next. */
export const recordedThroughName = 'turnlog.recorder.recorded_through'

export function fingerprintOfOrigin(resource: Resource, scope: Scope): Buffer {
  const hash = createHash('sha256')
  writeMap(hash, resource.attributes, recordedThroughName)
  writeText(hash, resource.schemaUrl)
  writeText(hash, scope.name)
  writeText(hash, scope.version)
  writeText(hash, scope.schemaUrl)
  writeMap(hash, scope.attributes)
  return hash.digest()
}

export function fingerprintOfLog(origin: Buffer, log: LogRecord): string {
  const hash = createHash('sha256').update(origin)
  for (const number of [log.time, log.observedTime, log.severityNumber, log.flags]) {
    hash.update(`${number};`)
  }
  for (const text of [log.severityText, log.eventName, log.traceId.toLowerCase()]) {
    writeText(hash, text)
  }
  writeText(hash, log.spanId.toLowerCase())
  writeValue(hash, log.body)
  writeMap(hash, log.attributes)
  return hash.digest('hex')
}

function writeValue(hash: Hash, value: AnyValue): void {
  if (value === null) hash.update('z')
  else if (typeof value === 'string') writeText(hash, value)
  else if (typeof value === 'object') writeStructure(hash, value)
  else hash.update(`${typeof value}${value};`)
}

function writeStructure(hash: Hash, value: Extract<AnyValue, object>): void {
  if (value instanceof Uint8Array) {
    hash.update(`b${value.length};`).update(value)
  } else if (isMap(value)) {
    writeMap(hash, value)
  } else {
    hash.update(`a${value.length};`)
    for (const one of value) writeValue(hash, one)
  }
}

function writeMap(hash: Hash, map: AttributeMap, except?: string): void {
  const keys = [...map.keys()].filter((key) => key !== except).sort(byCodeUnits)
  hash.update(`m${keys.length};`)
  for (const key of keys) {
    writeText(hash, key)
    writeValue(hash, map.get(key) ?? null)
  }
}

function byCodeUnits(left: string, right: string): number {
  return left < right ? -1 : 1
}

function writeText(hash: Hash, text: string): void {
  const bytes = encodeText(text)
  hash.update(`t${bytes.length};`).update(bytes)
}

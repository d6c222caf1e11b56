/** A content, as a row refers to it. Pure. */
import { isStoredObject, type StoredValue } from './stored-json.ts'

export interface ContentReference {
  /** A content of its own, or a list stored message by message, known by its last link. */
  readonly kind: 'content' | 'messages'
  /** 64 hex digits. */
  readonly sha256: string
  /** Bytes of the whole. */
  readonly size: number
  /** What the attribute was: a string, bytes, or a list or map, of which the content is the JSON text. */
  readonly type: 'string' | 'bytes' | 'json'
}

/** Undefined for any other value. */
export function referenceOf(value: StoredValue | undefined): ContentReference | undefined {
  if (!isStoredObject(value)) return undefined
  const kind = 'turnlog.content' in value ? 'content' : 'messages'
  const hash = kind === 'content' ? value['turnlog.content'] : value['turnlog.messages']
  if (typeof hash !== 'string' || !/^sha256:[0-9a-f]{64}$/.test(hash)) return undefined
  return {
    kind,
    sha256: hash.slice('sha256:'.length),
    size: typeof value.size === 'number' ? value.size : 0,
    type: value.type === 'bytes' || value.type === 'json' ? value.type : 'string',
  }
}

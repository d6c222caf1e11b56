/** A content, as a row refers to it. Pure. */
import { isStoredObject, type StoredObject, type StoredValue } from './stored-json.ts'

export interface StoredReference {
  /** A content of its own, or a list stored message by message, known by its last link. */
  readonly kind: 'content' | 'messages'
  /** 64 hex digits. */
  readonly sha256: string
  /** Bytes of the whole; undefined where only the content, which comes by itself, will tell. */
  readonly size: number | undefined
  /**
   * What the attribute was: a string, bytes, or a list or map, of which the content is the JSON text; undefined where
   * only the content will tell.
   */
  readonly type: 'string' | 'bytes' | 'json' | undefined
  /** It is JSON of which large members are contents of their own, referred to in their places. */
  readonly hasReferences: boolean
}

/** Undefined for any other value. */
export function referenceOf(value: StoredValue | undefined): StoredReference | undefined {
  if (!isStoredObject(value)) return undefined
  const kind = 'turnlog.content' in value ? 'content' : 'messages'
  const hash = kind === 'content' ? value['turnlog.content'] : value['turnlog.messages']
  if (typeof hash !== 'string' || !/^sha256:[0-9a-f]{64}$/.test(hash)) return undefined
  return {
    kind,
    sha256: hash.slice('sha256:'.length),
    size: typeof value.size === 'number' ? value.size : undefined,
    type: typeOf(value),
    hasReferences: value.refs === true,
  }
}

function typeOf({ type, ref }: StoredObject): StoredReference['type'] {
  if (type === 'bytes' || type === 'json') return type
  return ref === true ? undefined : 'string'
}

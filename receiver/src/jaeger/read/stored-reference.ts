/** The reference to a content that a row holds in the place of an attribute. Pure. */
import { isStoredObject, type StoredObject, type StoredValue } from './stored-json.ts'

export interface StoredReference {
  /** One content, or a list that is stored message by message and known by its last link. */
  readonly kind: 'content' | 'messages'
  /** 64 hex digits. */
  readonly sha256: string
  /** Bytes of the whole; undefined when only the content, which travels apart, has it. */
  readonly size: number | undefined
  /** The attribute's type; the content of a list or map is its JSON text. Undefined when only the content has it. */
  readonly type: 'string' | 'bytes' | 'json' | undefined
  /** The content is JSON of which large members are contents themselves, with references in their places. */
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

/**
 * A body as it was on the wire, without its content encoding: pure.
 *
 * A body that was cut off is decoded as far as it came; one that cannot be decoded gives undefined. The result is bounded,
 * so that a small body cannot fill the memory.
 */
import * as zlib from 'node:zlib'
import { viewOf } from '@turnlog/conventions/content/text'
import { beforeEnd } from '../thread-end.ts'

/** Larger than any answer of a model; stops a zip bomb. */
export const decodedBytesMax = 64 * 1024 ** 2

export function decodeBody(
  body: Uint8Array,
  contentEncoding: string | undefined,
): Buffer | undefined {
  const encodings = (contentEncoding ?? '')
    .toLowerCase()
    .split(',')
    .map((encoding) => encoding.trim())
    .filter((encoding) => encoding !== '' && encoding !== 'identity')
  let decoded = viewOf(body)
  try {
    // The encoding named last was applied last.
    for (const encoding of encodings.toReversed()) {
      if (decoded.length === 0) return decoded
      const encoded = decoded
      decoded = beforeEnd(() => decodeOnce(encoded, encoding))
    }
    return decoded
  } catch {
    return undefined
  }
}

const maxOutputLength = decodedBytesMax
// Flushes at the end instead of finishing: the input may stop anywhere, and what it contained is returned.
const gzipOptions = { finishFlush: zlib.constants.Z_SYNC_FLUSH, maxOutputLength }
const brotliOptions = { finishFlush: zlib.constants.BROTLI_OPERATION_FLUSH, maxOutputLength }
const zstdOptions = { finishFlush: zlib.constants.ZSTD_e_flush, maxOutputLength }

function decodeOnce(bytes: Buffer, encoding: string): Buffer {
  switch (encoding) {
    case 'gzip':
    case 'x-gzip':
      return zlib.gunzipSync(bytes, gzipOptions)
    case 'deflate':
      // Either zlib's format, as specified, or raw, as some servers send it.
      return ((bytes[0] ?? 0) & 0x0f) === 8
        ? zlib.inflateSync(bytes, gzipOptions)
        : zlib.inflateRawSync(bytes, gzipOptions)
    case 'br':
      return zlib.brotliDecompressSync(bytes, brotliOptions)
    case 'zstd':
      return zlib.zstdDecompressSync(bytes, zstdOptions)
    default:
      throw new Error(`Expected a known content encoding, got '${encoding}'.`)
  }
}

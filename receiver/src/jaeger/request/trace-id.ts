/** A trace id as Jaeger's clients write it: up to 32 hex digits, or the Base64 of 16 bytes. Pure. */

/** 32 hex digits; undefined for what is none. */
export function parseJaegerTraceId(text: string): string | undefined {
  if (/^[0-9a-f]{1,32}$/i.test(text)) return text.toLowerCase().padStart(32, '0')
  // 16 bytes are 22 characters and padding, in either alphabet.
  if (!/^[\w+/-]{22}(==)?$/.test(text)) return undefined
  const bytes = Buffer.from(text, 'base64')
  return bytes.length === 16 ? bytes.toString('hex') : undefined
}

/**
 * A password as PostgreSQL stores it (SCRAM-SHA-256, RFC 5803), made here so that the password itself travels in no
 * statement, which a server may log.
 */
import { createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto'

/** PostgreSQL's own. */
const iterations = 4096
const saltBytes = 16
const keyBytes = 32

/** For passwords of ASCII: others would have to be normalised first (SASLprep). */
export function scramVerifier(password: string, salt = randomBytes(saltBytes)): string {
  const salted = pbkdf2Sync(password, salt, iterations, keyBytes, 'sha256')
  const clientKey = hmac(salted, 'Client Key')
  const storedKey = createHash('sha256').update(clientKey).digest()
  const serverKey = hmac(salted, 'Server Key')
  const [salt64, stored64, server64] = [salt, storedKey, serverKey].map((bytes) =>
    bytes.toString('base64'),
  )
  return `SCRAM-SHA-256$${iterations}:${salt64}$${stored64}:${server64}`
}

function hmac(key: Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest()
}

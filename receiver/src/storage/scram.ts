/**
 * A password in the form in which PostgreSQL stores it (SCRAM-SHA-256, RFC 5803). It is computed here, because a server may
 * log the statement that sets a password.
 */
import { createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto'

/** PostgreSQL's default. */
const iterations = 4096
const saltBytes = 16
const keyBytes = 32

/** For ASCII passwords only: others would have to be normalised first (SASLprep). */
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

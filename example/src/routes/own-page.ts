/**
 * The app runs commands on its user's machine, so only programs on this machine and the app's own page may use it.
 * Any web page can send requests to a loopback address, or let its domain name point to it. The first kind of request
 * has the page's `Origin`, the second its name in `Host`.
 */

import type { IncomingHttpHeaders } from 'node:http'

const ownNames: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '[::1]'])

export function isOwnPage({ host, origin }: IncomingHttpHeaders): boolean {
  const address = URL.parse(`http://${host}`)
  if (host === undefined || address === null || !ownNames.has(address.hostname)) return false
  return origin === undefined || URL.parse(origin)?.host === address.host
}

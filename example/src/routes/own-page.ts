/**
 * Who may speak to an app that runs commands on its user's machine: programs of this machine, and the app's
 * own page. Any page on the web can send requests to a loopback address, or point a name of its own at it; the
 * first carries its `Origin`, the second its name in `Host`.
 */

import type { IncomingHttpHeaders } from 'node:http'

const ownNames: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '[::1]'])

export function isOwnPage({ host, origin }: IncomingHttpHeaders): boolean {
  const address = URL.parse(`http://${host}`)
  if (host === undefined || address === null || !ownNames.has(address.hostname)) return false
  return origin === undefined || URL.parse(origin)?.host === address.host
}

/** Model calls through the HTTP clients of the app. */

import type { OpenExchange } from './exchange.ts'
import { observeHttpClients } from './http-clients.ts'
import { observeHttp2Clients } from './http2-clients.ts'
import { all } from './replace-method.ts'
import { observeUndici } from './undici-clients.ts'

/** Begins to watch the clients; the returned function ends it. */
export function observeModelClients(openExchange: OpenExchange): () => void {
  return all([
    observeUndici(openExchange),
    observeHttpClients(openExchange),
    observeHttp2Clients(openExchange),
  ])
}

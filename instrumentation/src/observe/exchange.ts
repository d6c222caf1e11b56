/** Types: what an observer of an HTTP client tells about the requests that it sees. */

import type { Connection } from './own-servers.ts'

/** Opens an exchange in the current async context; `undefined`: the request needs not be watched. */
export type OpenExchange = (
  method: string,
  url: string,
  facts?: RequestFacts,
) => Exchange | undefined

/** What a client knows of a request. */
export interface RequestFacts {
  readonly contentType?: string | undefined
  /** If it opens a WebSocket, its messages will not be seen. */
  readonly hidesSocket?: boolean
  /** Its connection, once there is one. */
  readonly connection?: () => Connection | null | undefined
}

/** What an observer of an HTTP client tells about one request and its answer. */
export interface Exchange {
  sent(chunk: string | Uint8Array): void
  allSent(): void
  answered(status: number, headers: readonly (readonly [string, string])[]): void
  received(chunk: Uint8Array): void
  finished(): void
  failed(error: unknown): void
}

/** Types: what an observer of an HTTP client tells about the requests to model APIs that it sees. */

/** Opens an exchange in the current async context; `undefined`: the request is not for a model API. */
export type OpenExchange = (method: string, url: string) => Exchange | undefined

/** What an observer of an HTTP client tells about one request and its answer. */
export interface Exchange {
  sent(chunk: string | Uint8Array): void
  allSent(): void
  answered(status: number, headers: readonly (readonly [string, string])[]): void
  received(chunk: Uint8Array): void
  finished(): void
  failed(error: unknown): void
}

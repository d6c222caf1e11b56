/** Parses `TELEMETRY_ENDPOINT` into the two addresses to post to. Pure. */

export type EndpointResult =
  | { readonly status: 'ok'; readonly baseUrl: string; readonly urls: EndpointUrls }
  | { readonly status: 'invalid'; readonly reason: string }

export interface EndpointUrls {
  readonly traces: string
  readonly logs: string
}

/** People also paste the address of one signal, or the address for plain events. */
const understoodSuffix = /\/(?:api\/v1\/events|v1\/(?:traces|logs))$/

/**
 * A base URL, with or without a path and slashes at its end: equal URLs give equal addresses. The reason never repeats the
 * URL, which may contain a password.
 */
export function parseEndpoint(text: string): EndpointResult {
  const trimmed = text.trim()
  if (!/^https?:\/\//i.test(trimmed)) return invalid('it must begin with http:// or https://')
  if (!URL.canParse(trimmed)) return invalid('it is not a URL')
  const url = new URL(trimmed)
  if (url.username !== '' || url.password !== '') {
    return invalid('it contains a user or password; the token has its own setting')
  }
  if (url.search !== '' || url.hash !== '') return invalid('it has a query or a fragment')
  const path = url.pathname.replace(/\/+$/, '').replace(understoodSuffix, '').replace(/\/+$/, '')
  const baseUrl = `${url.origin}${path}`
  return {
    status: 'ok',
    baseUrl,
    urls: { traces: `${baseUrl}/v1/traces`, logs: `${baseUrl}/v1/logs` },
  }
}

function invalid(reason: string): EndpointResult {
  return { status: 'invalid', reason: `The endpoint cannot be used: ${reason}.` }
}

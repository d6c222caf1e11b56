/**
 * Lets only this app's own pages, and programs on this machine, use the Changes routes. Pure.
 *
 * A page of any site can make a browser send requests to localhost. So a request must meet four conditions: its peer is
 * this machine; its `Host` is a loopback name (a foreign name rebound to 127.0.0.1 stays visible there); its `Origin` and
 * `Sec-Fetch-Site` are this origin's; and a POST is JSON, which no form can send. A page of another origin always sends
 * `Origin`, so a request without it is served.
 */

import { isIPv4 } from 'node:net'

export interface RequestFacts {
  readonly method: string
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
  /** Undefined on a Unix socket. */
  readonly remoteAddress: string | undefined
  readonly isEncrypted: boolean
}

export interface GuardRefusal {
  readonly status: 403 | 415
  readonly code: 'TL_CHANGES_FORBIDDEN' | 'TL_CHANGES_MEDIA_TYPE'
  readonly message: string
}

/** Undefined when the request may pass. */
export function guard(request: RequestFacts): GuardRefusal | undefined {
  const { headers } = request
  const host = one(headers.host ?? headers[':authority'])
  if (!isLoopbackAddress(request.remoteAddress)) return forbidden('Only this machine is served.')
  if (host === undefined || !isLoopbackHost(host))
    return forbidden('The host is not a loopback name.')
  const site = headers['sec-fetch-site']
  if (site !== undefined && site !== 'same-origin' && site !== 'none') {
    return forbidden('The request comes from a page of another site.')
  }
  const own = originOf(`${request.isEncrypted ? 'https' : 'http'}://${host}`)
  const origin = headers.origin
  if (origin !== undefined && (own === undefined || originOf(one(origin)) !== own)) {
    return forbidden('The request comes from a page of another origin.')
  }
  if (request.method === 'POST' && !isJson(one(headers['content-type']))) {
    const message = 'The content type must be application/json.'
    return { status: 415, code: 'TL_CHANGES_MEDIA_TYPE', message }
  }
  return undefined
}

/** `localhost`, `*.localhost`, 127.0.0.0/8 or `[::1]`, with or without a port. */
export function isLoopbackHost(host: string): boolean {
  const match = /^(\[::1\]|[a-z0-9.-]+)(?::\d{1,5})?$/i.exec(host)
  const name = match?.[1]?.toLowerCase()
  if (name === undefined) return false
  if (name === '[::1]' || name === 'localhost' || isLoopbackIPv4(name)) return true
  return /^([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+localhost$/.test(name)
}

function isLoopbackIPv4(name: string): boolean {
  return isIPv4(name) && name.startsWith('127.')
}

function isLoopbackAddress(address: string | undefined): boolean {
  if (address === undefined || address === '::1') return true
  return isLoopbackIPv4(address.replace(/^::ffff:/i, ''))
}

function isJson(contentType: string | undefined): boolean {
  return /^application\/json\s*(;|$)/i.test(contentType ?? '')
}

/** Normalised (case, default port); undefined for `null`, paths and anything else that is not an origin. */
function originOf(value: string | undefined): string | undefined {
  const isOrigin = value !== undefined && /^https?:\/\/[^/?#@\s]+$/i.test(value)
  return isOrigin && URL.canParse(value) ? new URL(value).origin : undefined
}

function one(value: string | readonly string[] | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined
}

function forbidden(message: string): GuardRefusal {
  return { status: 403, code: 'TL_CHANGES_FORBIDDEN', message }
}

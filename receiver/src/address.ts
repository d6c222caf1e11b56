/** The address at which the receiver is reached, made from the address it listens on. */
import { isIPv6 } from 'node:net'

export interface ListenAddress {
  readonly host: string
  readonly port: number
}

export function isLoopback(host: string): boolean {
  return host.startsWith('127.') || host === '::1'
}

/** The host as a URL writes it. A receiver that listens on every address is reached on loopback. */
export function reachableHost(host: string): string {
  if (host === '0.0.0.0' || host === '::') return '127.0.0.1'
  return isIPv6(host) ? `[${host}]` : host
}

/** Without a trailing slash; valid on this machine. */
export function baseUrlOf({ host, port }: ListenAddress): string {
  return `http://${reachableHost(host)}:${port}`
}

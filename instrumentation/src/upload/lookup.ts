/**
 * Finds the addresses of a host for a request without delaying the end of the process. The system's own look-up runs in a
 * thread that the end waits for: half a minute where no name server answers. So the hosts file and the name servers are
 * asked first, for at most `answerWithinMs` a try; the system, which also knows other services, only after an answer.
 */
import * as dns from 'node:dns'
import { isIP, type LookupFunction } from 'node:net'
import { errorCode } from '@turnlog/conventions/plain'
import { readRegularFile } from '@turnlog/conventions/regular-file'
import { originalFs } from '../file-system.ts'

/** How long a name server may take to answer a try. */
const answerWithinMs = 2_000
const tries = 2
const hostsFile =
  process.platform === 'win32'
    ? `${process.env.SystemRoot}\\System32\\drivers\\etc\\hosts`
    : '/etc/hosts'

type Address = dns.LookupAddress

export interface LookupSources {
  /** `address:port`; by default those of the system. */
  readonly servers?: readonly string[]
  readonly hosts?: () => string
  readonly system?: (host: string) => Promise<readonly Address[]>
}

export function createLookup(sources: LookupSources = {}): LookupFunction {
  return (host, options, callback) => {
    findAddresses(host, sources).then(
      (addresses) => {
        const { family } = options
        const wanted = addresses.filter((each) => !family || familyOf(family) === each.family)
        const first = wanted[0]
        if (first === undefined) callback(notFound(host), '', 0)
        else if (options.all === true) callback(null, [...wanted])
        else callback(null, first.address, first.family)
      },
      (cause) => callback(cause, '', 0),
    )
  }
}

async function findAddresses(
  host: string,
  { servers, hosts = readHosts, system = askSystem }: LookupSources,
): Promise<readonly Address[]> {
  const named = addressesInHosts(hosts(), host)
  if (named.length > 0) return named
  const resolver = new dns.promises.Resolver({ timeout: answerWithinMs, tries })
  if (servers !== undefined) resolver.setServers(servers)
  const answers = await Promise.allSettled([resolver.resolve4(host), resolver.resolve6(host)])
  const found = answers.flatMap((answer) =>
    answer.status === 'fulfilled' ? answer.value.map(addressOf) : [],
  )
  if (found.length > 0) return found
  const silent = answers.find(
    (answer) => answer.status === 'rejected' && errorCode(answer.reason) === dns.TIMEOUT,
  )
  if (silent?.status === 'rejected') throw silent.reason
  return system(host)
}

/** hosts(5): an address, then its names; a comment after `#`. */
export function addressesInHosts(text: string, host: string): readonly Address[] {
  const name = host.toLowerCase()
  return text.split('\n').flatMap((line) => {
    const [address = '', ...names] = line.replace(/#.*/, '').trim().split(/\s+/)
    const isNamed = isIP(address) !== 0 && names.some((each) => each.toLowerCase() === name)
    return isNamed ? [addressOf(address)] : []
  })
}

function readHosts(): string {
  return readRegularFile(hostsFile, { fileSystem: originalFs }) ?? ''
}

function askSystem(host: string): Promise<readonly Address[]> {
  return dns.promises.lookup(host, { all: true })
}

function addressOf(address: string): Address {
  return { address, family: isIP(address) }
}

function familyOf(family: number | string): number {
  return family === 'IPv4' ? 4 : family === 'IPv6' ? 6 : Number(family)
}

function notFound(host: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`getaddrinfo ENOTFOUND ${host}`), { code: 'ENOTFOUND' })
}

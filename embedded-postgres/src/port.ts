import { randomInt } from 'node:crypto'
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { createServer } from 'node:net'
import { PostgresError } from './errors.ts'
import { commandOf, processIds } from './process.ts'

/** Below the range from which systems hand out ports by themselves: a kept port must not be a passing one. */
const firstPort = 20_000
const lastPort = 29_999
const triesMax = 200

/** Whether a server of ours could listen on this port of 127.0.0.1 now. Low ports are forbidden to ordinary users. */
export function probePort(port: number): Promise<'free' | 'taken' | 'forbidden'> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', (error) => {
      resolve('code' in error && error.code === 'EACCES' ? 'forbidden' : 'taken')
    })
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => {
      server.close(() => resolve('free'))
    })
  })
}

/** A port that is free now and is likely to be free at the next start. */
export async function findFreePort(): Promise<number> {
  for (let tries = 0; tries < triesMax; tries += 1) {
    const port = randomInt(firstPort, lastPort + 1)
    if ((await probePort(port)) === 'free') return port
  }
  throw new PostgresError(
    'TL_PORT_TAKEN',
    `No free port between ${firstPort} and ${lastPort} was found.`,
  )
}

/** Who listens on this port, as `command (process 123)`; `undefined` where it cannot be known. */
export function describePortHolder(port: number): string | undefined {
  const inodes = new Set(listeningInodes(port))
  if (inodes.size === 0) return undefined
  const pid = processIds().find((id) => socketInodes(id).some((inode) => inodes.has(inode)))
  if (pid === undefined) return undefined
  const command = commandOf(pid)
  const shown = command.length > 80 ? `${command.slice(0, 80)}…` : command
  return `${shown} (process ${pid})`
}

/** Lines of /proc/net/tcp: `sl local_address rem_address st … inode`; state 0A is LISTEN. */
function listeningInodes(port: number): string[] {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, '0')}`
  return ['/proc/net/tcp', '/proc/net/tcp6'].flatMap((table) => {
    try {
      return readFileSync(table, 'utf8')
        .split('\n')
        .map((line) => line.trim().split(/\s+/))
        .filter((fields) => fields[1]?.endsWith(suffix) && fields[3] === '0A')
        .flatMap((fields) => fields[9] ?? [])
    } catch {
      return []
    }
  })
}

/** The sockets a process holds; none when they are not ours to see. */
function socketInodes(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
      try {
        return /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1] ?? []
      } catch {
        return []
      }
    })
  } catch {
    return []
  }
}

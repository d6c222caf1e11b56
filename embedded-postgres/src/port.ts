import { randomInt } from 'node:crypto'
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { createServer } from 'node:net'
import { errorCode } from '@turnlog/conventions/plain'
import { PostgresError } from './errors.ts'
import { commandOf, processIds } from './process.ts'

/** Below the ports that systems give to outgoing connections, so that a port chosen once is free at the next start, too. */
const firstPort = 20_000
const lastPort = 29_999
const triesMax = 200

/** How much of a command line is shown. */
const commandLengthMax = 80

/** Why a server cannot listen on this port of 127.0.0.1 now, as the end of a sentence; `undefined` if it can. */
export async function whyUnusable(port: number): Promise<string | undefined> {
  const code = await errorOfListening(port)
  if (code === undefined) return undefined
  if (code === 'EACCES') return 'may be used by root only'
  return `is taken by ${describeHolder(port) ?? 'another process'}`
}

/** A port that is free now and is likely to be free at the next start. */
export async function findFreePort(): Promise<number> {
  for (let tries = 0; tries < triesMax; tries += 1) {
    const port = randomInt(firstPort, lastPort + 1)
    if ((await errorOfListening(port)) === undefined) return port
  }
  throw new PostgresError(
    'TL_PORT_TAKEN',
    `No free port between ${firstPort} and ${lastPort} was found.`,
  )
}

function errorOfListening(port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', (error) => resolve(errorCode(error) ?? error.name))
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => {
      server.close(() => resolve(undefined))
    })
  })
}

/** The process that listens on this port, as `command (process 123)`; `undefined` when it cannot be found. */
function describeHolder(port: number): string | undefined {
  const inodes = new Set(listeningInodes(port))
  if (inodes.size === 0) return undefined
  const pid = processIds().find((id) => socketInodes(id).some((inode) => inodes.has(inode)))
  if (pid === undefined) return undefined
  const command = commandOf(pid)
  const shown =
    command.length > commandLengthMax ? `${command.slice(0, commandLengthMax)}…` : command
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

/** The sockets that a process has open; empty for a process that we may not inspect. */
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

/** For benchmarks of the whole product: they run a program with or without the preload, and have a receiver that answers at once. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import * as http from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import * as path from 'node:path'
import { ledgerCommitted, ledgerHeader } from '@turnlog/conventions'

/** Runs a program with a new spool, and gives the figures that it prints as JSON. */
export async function runProgram<Figures>(
  program: string,
  preload: string | undefined,
  environment: Readonly<Record<string, string>>,
): Promise<Figures> {
  const home = mkdtempSync(path.join(tmpdir(), 'turnlog-bench-'))
  try {
    const child = spawn(
      process.execPath,
      [...(preload === undefined ? [] : ['--import', preload]), program],
      {
        env: {
          PATH: process.env.PATH,
          HOME: home,
          TELEMETRY_SPOOL_DIRECTORY: path.join(home, 'spool'),
          TELEMETRY_SEND_AFTER_EXIT: '0',
          ...environment,
        },
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    )
    let output = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text))
    const [code, signal] = await once(child, 'close')
    if (code !== 0) throw new Error(`${program} ended with ${signal ?? code}, after: ${output}`)
    return JSON.parse(output)
  } finally {
    rmSync(home, { recursive: true, force: true })
  }
}

export function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN
}

/** Accepts everything at once, like a receiver that is never busy. */
export async function startReceiver(): Promise<{ readonly url: string; close(): void }> {
  const server = http.createServer((request, response) => {
    request.resume().on('end', () => {
      response.setHeader('content-type', 'application/json')
      response.setHeader(ledgerHeader, ledgerCommitted)
      response.end('{}')
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    close() {
      server.close()
      server.closeAllConnections()
    },
  }
}

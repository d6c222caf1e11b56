import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type Server } from 'node:net'

/**
 * Free ports, all different: each is occupied until all are chosen. They are below the range of outgoing connections, so
 * that a port stays free while its server is stopped: a client that retries a port inside that range
 * eventually connects to itself.
 */
export async function freePorts(count: number): Promise<number[]> {
  const held = new Map<number, Server>()
  for (let attempts = 0; held.size < count && attempts < 1000; attempts += 1) {
    const port = randomInt(10_240, 32_768)
    const server = createServer().listen(port, '127.0.0.1')
    const isFree = await once(server, 'listening').then(
      () => true,
      () => false,
    )
    if (isFree) held.set(port, server)
  }
  await Promise.all(
    [...held.values()].map((server) => new Promise((resolve) => server.close(resolve))),
  )
  if (held.size < count) throw new Error(`Of ${count} ports only ${held.size} are free.`)
  return [...held.keys()]
}

export async function freePort(): Promise<number> {
  const [port = 0] = await freePorts(1)
  return port
}

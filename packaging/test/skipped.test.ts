/** Where the registry does not answer, it is said in words, and nothing is installed. */
import { once } from 'node:events'
import { createServer } from 'node:net'
import { expect, test } from 'vitest'
import { askRegistry } from './support/project.ts'

test('a registry that does not answer is a reason, not a failure', async () => {
  const npm_config_registry = `http://127.0.0.1:${await closedPort()}/`
  expect(await askRegistry({ ...process.env, npm_config_registry })).toEqual({
    status: 'missing',
    reason: 'npm’s registry does not answer (ECONNREFUSED).',
  })
})

async function closedPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  return typeof address === 'object' ? (address?.port ?? 0) : 0
}

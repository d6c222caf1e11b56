/** If the registry does not answer, a message says so, and nothing is installed. */
import { expect, test } from 'vitest'
import { freePort } from '../../test/support/ports.ts'
import { askRegistry } from './support/project.ts'

test('a registry that does not answer is a reason, not a failure', async () => {
  const port = await freePort()
  const npm_config_registry = `http://127.0.0.1:${port}/`
  expect(await askRegistry({ ...process.env, npm_config_registry })).toEqual({
    status: 'missing',
    reason: 'npm’s registry does not answer (ECONNREFUSED).',
  })
})

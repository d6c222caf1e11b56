/** Without Python, or without its package index, a message says what is missing. */
import { expect, inject, test } from 'vitest'
import { temporaryFolder } from '../../../test/support/example.ts'
import { freePort } from '../../../test/support/ports.ts'
import { makeVirtualEnvironment } from './support/virtual-environment.ts'

test('no Python is a reason, not a failure', async () => {
  await using folder = temporaryFolder()
  expect(await makeVirtualEnvironment(folder.path, { PATH: folder.path })).toEqual({
    status: 'missing',
    reason: 'Python 3.10 or newer (python3, with venv) is not here.',
  })
})

test.skipIf(inject('virtualEnvironment') === undefined)(
  'a package index that does not answer is a reason, not a failure',
  async () => {
    await using folder = temporaryFolder()
    const port = await freePort()
    const { PIP_FIND_LINKS: _, ...environment } = process.env
    const made = await makeVirtualEnvironment(folder.path, {
      ...environment,
      PIP_INDEX_URL: `http://127.0.0.1:${port}/simple`,
      PIP_RETRIES: '0',
    })
    expect(made).toEqual({
      status: 'missing',
      reason: 'Python’s package index does not answer.',
    })
  },
)

/** When the app's own changes that are not recorded are reported. */
import { expect, test } from 'vitest'
import { UnrecordedChanges } from '../../src/observe/unrecorded-changes.ts'

function openChanges() {
  const reported: string[] = []
  const changes = new UnrecordedChanges({
    isPrepared: true,
    isWatching: true,
    leftByChild: () => false,
    writing: (path) => reported.push(`writing ${path}`),
    changed: (path) => reported.push(`changed ${path}`),
  })
  return { changes, reported }
}

test('a path counts as being written until the last of several calls has returned', () => {
  const { changes, reported } = openChanges()
  const [first, second] = [changes.begin('/a', undefined), changes.begin('/a', undefined)]
  first()
  expect(reported).toEqual(['writing /a'])
  second()
  expect(reported).toEqual(['writing /a', 'changed /a'])
})

test('a recorded change that ends while another call writes its path does not end that call', () => {
  const { changes, reported } = openChanges()
  const end = changes.begin('/a', undefined)
  changes.changed('/a')
  changes.changed('/b')
  expect(reported).toEqual(['writing /a', 'changed /b'])
  end()
  expect(reported.at(-1)).toBe('changed /a')
})

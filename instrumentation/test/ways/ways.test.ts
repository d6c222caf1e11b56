/**
 * Every way to change a file, in an app under the preload: each change is one operation, with the contents that the file
 * really had, in the local store and in what is sent. `outcomes.json` lists the ways of which this is not yet true; a way
 * that has become whole must be removed from it, by `npm run test:files -- 24`.
 */
import { describe, expect, test } from 'vitest'
import { groups } from './all-ways.ts'
import { outcomeOfMajor, readOutcomes, runGroups } from './outcomes.ts'

const [major = ''] = process.versions.node.split('.')
const { notWhole, missing } = outcomeOfMajor(readOutcomes(), major)
/** The order of their writes is not determined. So neither is their outcome, until they are recorded whole. */
const notAlwaysWhole: ReadonlySet<string> = new Set(['spawn_both'])

const runs = new Map(runGroups().map(({ group, results }) => [group, results]))

describe.each(Object.entries(groups))('%s', (group, ways) => {
  test.each(
    ways.map(({ by, id, excluded }) => {
      const claim =
        excluded === undefined ? 'is recorded whole' : `is left out, because ${excluded}`
      return { name: `a change by ${by} ${claim}`, id }
    }),
  )('$name', async ({ id }) => {
    const result = (await runs.get(group))?.byId.get(id)
    if (notAlwaysWhole.has(id)) return
    if (notWhole.includes(id))
      expect(result, 'now whole: npm run test:files -- 24').toMatchObject({ status: 'not_whole' })
    else expect(result).toEqual({ status: missing.includes(id) ? 'missing' : 'whole' })
  })

  test('nothing else is recorded', async () => {
    expect((await runs.get(group))?.others).toEqual([])
  })
})

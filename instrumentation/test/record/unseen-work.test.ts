/** How often what was not seen is recorded, and that nothing of it is counted twice or lost. */
import type { Logger, LogRecord } from '@opentelemetry/api'
import { expect, test } from 'vitest'
import { failed } from '../../src/health.ts'
import { UnseenWork } from '../../src/record/unseen-work.ts'

function watched() {
  const records: (readonly unknown[])[] = []
  const timers: (() => void)[] = []
  const logger: Pick<Logger, 'emit'> = {
    emit: ({ attributes = {} }: LogRecord) => {
      const { 'turnlog.unseen.reason': reason, 'turnlog.unseen.why': why } = attributes
      records.push([
        reason,
        why,
        attributes['turnlog.unseen.count'],
        ...('server.address' in attributes
          ? [`${String(attributes['server.address'])}${String(attributes['url.template'])}`]
          : []),
      ])
    },
  }
  const unseen = new UnseenWork({
    logger: logger as Logger,
    after: (_ms, callback) => {
      timers.push(callback)
      return { cancel: () => undefined }
    },
  })
  return {
    unseen,
    records,
    /** The minute is over. */
    tick: () => {
      for (const timer of timers.splice(0)) timer()
    },
    timers,
  }
}

const traffic = (path: string) =>
  ({
    reason: 'model_traffic',
    why: 'request_body',
    address: { host: 'h', port: 443, path },
  }) as const

test('the first is recorded at once, later ones together, a minute later or at the end', () => {
  const { unseen, records, tick, timers } = watched()
  unseen.add(traffic('/a'))
  unseen.add(traffic('/a'))
  unseen.add(traffic('/a'), 3)
  expect(records).toEqual([['model_traffic', 'request_body', 1, 'h/a']])
  expect(timers).toHaveLength(1)
  tick()
  expect(records.at(-1)).toEqual(['model_traffic', 'request_body', 4, 'h/a'])
  tick()
  unseen.report()
  expect(records).toHaveLength(2)
  unseen.add(traffic('/a'))
  unseen.report()
  expect(records.at(-1)).toEqual(['model_traffic', 'request_body', 1, 'h/a'])
})

test('after a hundred kinds, the rest of a reason is one', () => {
  const { unseen, records } = watched()
  for (let n = 0; n < 150; n += 1) unseen.add(traffic(`/${n}`))
  unseen.report()
  expect(records.slice(100)).toEqual([
    ['model_traffic', 'others', 1],
    ['model_traffic', 'others', 49],
  ])
})

test('steps of ours that failed are counted once each', () => {
  const { unseen, records } = watched()
  failed('test a step', new Error('no'))
  unseen.report()
  unseen.report()
  failed('test a step', new Error('no'))
  unseen.report()
  expect(records.filter(([, why]) => why === 'test a step')).toEqual([
    ['failed_step', 'test a step', 1],
    ['failed_step', 'test a step', 1],
  ])
})

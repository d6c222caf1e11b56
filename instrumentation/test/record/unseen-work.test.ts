/** How often what was not seen is recorded, and that nothing of it is counted twice or lost. */
import type { Logger, LogRecord } from '@opentelemetry/api'
import { expect, test } from 'vitest'
import { failed } from '../../src/health.ts'
import { UnseenWork } from '../../src/record/unseen-work.ts'

function watched() {
  const records: (readonly unknown[])[] = []
  const timers: { readonly ms: number; readonly callback: () => void }[] = []
  let time = 0
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
    clock: () => time,
    modelFlag: { isSet: () => false, set: () => undefined },
    after: (ms, callback) => {
      timers.push({ ms, callback })
      return { cancel: () => undefined }
    },
  })
  return {
    unseen,
    records,
    /** Waits for the next report; gives the time that it took. */
    tick: () => {
      const [timer] = timers.splice(0)
      time += timer?.ms ?? 0
      timer?.callback()
      return timer?.ms
    },
    pass: (ms: number) => {
      time += ms
    },
  }
}

const traffic = (path: string) =>
  ({
    reason: 'model_traffic',
    why: 'request_body',
    address: { host: 'h', port: 443, path },
  }) as const

test('the first is recorded at once, later ones together, a while later or at the end', () => {
  const { unseen, records, tick } = watched()
  unseen.add(traffic('/a'))
  unseen.add(traffic('/a'))
  unseen.add(traffic('/a'), 3)
  expect(records).toEqual([['model_traffic', 'request_body', 1, 'h/a']])
  expect(tick()).toBe(1_000)
  expect(records.at(-1)).toEqual(['model_traffic', 'request_body', 4, 'h/a'])
  expect(tick()).toBeUndefined()
  unseen.report()
  expect(records).toHaveLength(2)
  unseen.add(traffic('/a'))
  unseen.report()
  expect(records.at(-1)).toEqual(['model_traffic', 'request_body', 1, 'h/a'])
})

test('it is recorded less and less often, at least once a minute, and soon again after a pause', () => {
  const { unseen, tick, pass } = watched()
  const waited = Array.from({ length: 9 }, () => {
    unseen.add(traffic('/a'))
    unseen.add(traffic('/a'))
    return tick()
  })
  expect(waited).toEqual([1, 2, 4, 8, 16, 32, 60, 60, 60].map((seconds) => seconds * 1_000))
  pass(61_000)
  unseen.add(traffic('/a'))
  expect(tick()).toBe(1_000)
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

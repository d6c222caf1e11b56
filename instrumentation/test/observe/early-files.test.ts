/** A request is watched for files from its start. When it becomes a turn, they belong to the turn. */
import { expect, test, vi } from 'vitest'
import { startChat, turnTrees } from '../support/chat.ts'

async function startApp() {
  const chat = await startChat({
    program: 'early-host.ts',
    files: { 'old.txt': 'old\n' },
    answer: () => ({ text: 'Hi.' }),
  })
  const get = (path: string) => fetch(`http://${chat.address}${path}`)
  return { ...chat, get }
}

const attribute = (name: string) => `turnlog.file_operation.${name}`

test('files from before the first model call belong to the turn, with their own times', async () => {
  await using app = await startApp()
  await app.get('/chat')
  const recorded = await app.recorded()
  expect(turnTrees(recorded)).toEqual([
    [
      'turn',
      '  file.create context.md',
      '  file.edit context.md',
      '  file.delete old.txt',
      '  file.create open.txt',
      '  chat',
    ].join('\n'),
  ])
  const edit = recorded.spans.find(({ name }) => name === 'file.edit')
  expect(edit?.attributes).toMatchObject({
    [attribute('before')]: 'collected\n',
    [attribute('after')]: 'collected more\n',
  })
  const chat = recorded.spans.find(
    ({ attributes }) => attributes['gen_ai.operation.name'] === 'chat',
  )
  expect(edit?.endMs).toBeLessThanOrEqual(chat?.startMs ?? 0)
  const turn = recorded.spans.find(({ parentSpanId }) => parentSpanId === '')
  expect(turn?.attributes).toMatchObject({
    'turnlog.file_operations.left_out': 1,
    'turnlog.file_operations.left_out.reasons': ['ignored'],
  })
})

test('a request that never becomes a turn keeps nothing', async () => {
  await using app = await startApp()
  await app.get('/upload')
  const { spans } = await app.recorded()
  expect(spans).toEqual([])
})

test('an app that answers first, and calls the model then, has its files in the turn, too', async () => {
  await using app = await startApp()
  await app.get('/later')
  await vi.waitFor(() => expect(app.api.requests).toHaveLength(1))
  expect(turnTrees(await app.recorded())).toEqual([
    'turn\n  file.create first.txt\n  file.create second.txt\n  chat',
  ])
})

test('contents above the limit for requests that are not turns yet are left out, with the reason', async () => {
  await using app = await startApp()
  await app.get('/large')
  const { spans } = await app.recorded()
  const files = spans.filter(({ name }) => name.startsWith('file.'))
  expect(files.map(({ attributes }) => attributes[attribute('after.omitted')])).toEqual([
    undefined,
    undefined,
    undefined,
    undefined,
    'not_held',
  ])
  expect(files.at(-1)?.attributes[attribute('after.size')]).toBe(15e6)
})

import { expect, test } from 'vitest'
import type { InheritedOwner } from '../../src/record/inherited-owner.ts'
import { createMailbox, type MailboxEntry, openMailbox } from '../../src/record/owner-mailbox.ts'

const threadId = 7
const owner = (number: number): InheritedOwner => ({
  traceId: 'a'.repeat(32),
  spanId: number.toString(16).padStart(16, '0'),
  call: { name: `tool ${number} ✓`, id: `call ${number}` },
})
const entry = (message: number): MailboxEntry => ({
  port: 0,
  message,
  owner: owner(message),
  transfers: undefined,
})

function open() {
  const mailbox = createMailbox()
  const opened = openMailbox(mailbox.memory, threadId)
  if (opened === undefined) throw new Error('no mailbox')
  mailbox.addressTo(threadId)
  return { ...mailbox, ...opened }
}

test('entries arrive once, in order', () => {
  const { write, take } = open()
  for (const message of [1, 2]) write(entry(message))
  expect(take()).toEqual({ entries: [entry(1), entry(2)], hasLost: false })
  expect(take()).toEqual({ entries: [], hasLost: false })
  write({ port: 3, message: 1, owner: undefined, transfers: 4 })
  expect(take().entries).toEqual([{ port: 3, message: 1, owner: undefined, transfers: 4 }])
})

test('a thread that is far behind gets the newest entries, and learns that some are lost', () => {
  const { write, take } = open()
  for (let message = 1; message <= 1_000; message += 1) write(entry(message))
  const { entries, hasLost } = take()
  expect(hasLost).toBe(true)
  expect(entries.length).toBe(64)
  expect(entries.at(-1)).toEqual(entry(1_000))
})

test('a thread that the sender did not make gets nothing', () => {
  const { write, memory } = open()
  write(entry(1))
  expect(openMailbox(memory, threadId + 1)?.take()).toEqual({ entries: [], hasLost: false })
})

test('nothing is lost before the thread is known', () => {
  const { memory, write, addressTo } = createMailbox()
  const opened = openMailbox(memory, threadId)
  write(entry(1))
  expect(opened?.take().entries).toEqual([])
  addressTo(threadId)
  expect(opened?.take().entries).toEqual([entry(1)])
})

test('an entry that is too long comes without the name of its tool call', () => {
  const { write, take } = open()
  const long = { ...owner(1), call: { name: '\u{1f600}'.repeat(600) } }
  write({ ...entry(1), owner: long })
  expect(take().entries).toEqual([{ ...entry(1), owner: { ...owner(1), call: undefined } }])
})

test('the sender finds the folder that the thread records into', () => {
  const { recordsInto, recorderFolder } = open()
  expect(recorderFolder()).toBeUndefined()
  recordsInto('/spool/ü/recorder')
  expect(recorderFolder()).toBe('/spool/ü/recorder')
})

test.each([undefined, 'text', new SharedArrayBuffer(8), new ArrayBuffer(8)])(
  'anything else is no mailbox',
  (memory) => expect(openMailbox(memory, threadId)).toBeUndefined(),
)

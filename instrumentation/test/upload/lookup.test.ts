/** A look-up of the system that waits for a name server would delay the end of an app by half a minute. */
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { expect, onTestFinished, test } from 'vitest'
import { addressesInHosts, createLookup, type LookupSources } from '../../src/upload/lookup.ts'

const hosts = `# a comment
127.0.0.1	localhost  receiver.test # and.another
::1 localhost
10.0.0.7 Elsewhere.Test
nonsense receiver.test
`

test.each([
  ['receiver.test', ['127.0.0.1']],
  ['elsewhere.test', ['10.0.0.7']],
  ['localhost', ['127.0.0.1', '::1']],
  ['and.another', []],
])('the hosts file gives %s the addresses %s', (host, addresses) => {
  expect(addressesInHosts(hosts, host).map(({ address }) => address)).toEqual(addresses)
})

/** A name server that answers every question with `answer`, or with nothing. */
async function startNameServer(answer?: (question: Buffer) => Buffer): Promise<string> {
  const socket = createSocket('udp4')
  onTestFinished(() => void socket.close())
  socket.on('message', (question, { port, address }) => {
    if (answer !== undefined) socket.send(answer(question), port, address)
  })
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  return `127.0.0.1:${socket.address().port}`
}

/** RFC 1035: the question with the bits of an answer, and one address if it was asked for an IPv4 address. */
function withAddress(question: Buffer): Buffer {
  const isIpv4 = question.readUInt16BE(question.indexOf(0, 12) + 1) === 1
  const end = question.indexOf(0, 12) + 5
  const answer = Buffer.from(question.subarray(0, end))
  answer.writeUInt16BE(0x8180, 2)
  answer.writeUInt16BE(isIpv4 ? 1 : 0, 6)
  answer.writeUInt16BE(0, 10)
  const record = [0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 10, 1, 2, 3]
  return isIpv4 ? Buffer.concat([answer, Buffer.from(record)]) : answer
}

/** RFC 1035: no such name. */
function withoutName(question: Buffer): Buffer {
  const answer = Buffer.from(question.subarray(0, question.indexOf(0, 12) + 5))
  answer.writeUInt16BE(0x8183, 2)
  answer.writeUInt16BE(0, 10)
  return answer
}

function lookUp(host: string, sources: LookupSources, options = {}): Promise<unknown> {
  const lookup = createLookup({ hosts: () => hosts, ...sources })
  return new Promise((resolve, reject) => {
    lookup(host, options, (error, address) => (error === null ? resolve(address) : reject(error)))
  })
}

const neverAsked = { system: () => Promise.reject(new Error('The system was asked.')) }

test('a name in the hosts file is not asked for', async () => {
  const servers = [await startNameServer()]
  const sources = { ...neverAsked, servers }
  expect(await lookUp('receiver.test', sources)).toBe('127.0.0.1')
  expect(await lookUp('localhost', sources, { all: true })).toEqual([
    { address: '127.0.0.1', family: 4 },
    { address: '::1', family: 6 },
  ])
  expect(await lookUp('localhost', sources, { family: 6 })).toBe('::1')
})

test('a name server gives the address', async () => {
  const servers = [await startNameServer(withAddress)]
  expect(await lookUp('named.test', { ...neverAsked, servers })).toBe('10.1.2.3')
})

test('the system is asked for a name that the name server does not know', async () => {
  const servers = [await startNameServer(withoutName)]
  const system = () => Promise.resolve([{ address: '10.9.9.9', family: 4 }])
  expect(await lookUp('other.local', { servers, system })).toBe('10.9.9.9')
  await expect(lookUp('other.local', { servers, system }, { family: 6 })).rejects.toThrow(
    'ENOTFOUND',
  )
})

test('the system is not asked if a name server does not answer', async () => {
  const servers = [await startNameServer()]
  await expect(lookUp('named.test', { ...neverAsked, servers })).rejects.toMatchObject({
    code: 'ETIMEOUT',
  })
}, 20_000)

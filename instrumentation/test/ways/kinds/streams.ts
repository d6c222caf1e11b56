/** Streams into files: the before is read at the open, the after at the close. */
import { once } from 'node:events'
import * as fs from 'node:fs'
import * as http from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable, Writable } from 'node:stream'
import { finished, pipeline } from 'node:stream/promises'
import { createGunzip, gzipSync } from 'node:zlib'
import { edits, old } from '../common-files.ts'
import { create, edit, type Way } from '../way.ts'

async function endedWith(stream: fs.WriteStream, ...pieces: readonly string[]): Promise<void> {
  for (const piece of pieces) stream.write(piece)
  stream.end()
  await once(stream, 'close')
}

export const streams: readonly Way[] = [
  {
    id: 'createWriteStream',
    by: 'createWriteStream of a new file',
    expected: [create('a.txt', 'one\ntwo\n')],
    run: (here) => endedWith(fs.createWriteStream(here.at('a.txt')), 'one\n', 'two\n'),
  },
  {
    id: 'createWriteStream_over',
    by: 'createWriteStream over a file',
    ...edits('one\n2\n'),
    run: (here) => endedWith(fs.createWriteStream(here.at('a.txt')), 'one\n', '2\n'),
  },
  {
    id: 'createWriteStream_append',
    by: 'createWriteStream with the flag a',
    ...edits(`${old}four\n`),
    run: (here) => endedWith(fs.createWriteStream(here.at('a.txt'), { flags: 'a' }), 'four\n'),
  },
  {
    id: 'createWriteStream_start',
    by: 'createWriteStream with the flag r+ and a start',
    ...edits('one\nTWO\nthree\n'),
    run: (here) =>
      endedWith(fs.createWriteStream(here.at('a.txt'), { flags: 'r+', start: 4 }), 'TWO'),
  },
  {
    id: 'createWriteStream_empty',
    by: 'createWriteStream that is ended without a write',
    ...edits(''),
    run: (here) => endedWith(fs.createWriteStream(here.at('a.txt'))),
  },
  {
    id: 'createWriteStream_flush',
    by: 'createWriteStream with flush: true and an encoding',
    ...edits(Buffer.from('über\n', 'latin1')),
    run: (here) =>
      endedWith(
        fs.createWriteStream(here.at('a.txt'), { flush: true, encoding: 'latin1' }),
        'über\n',
      ),
  },
  {
    id: 'createWriteStream_fd',
    by: 'createWriteStream on a descriptor',
    ...edits('new\n'),
    run: (here) =>
      endedWith(fs.createWriteStream('', { fd: fs.openSync(here.at('a.txt'), 'w') }), 'new\n'),
  },
  {
    id: 'createWriteStream_keeps_open',
    by: 'createWriteStream with autoClose: false, and closeSync',
    ...edits('new\n'),
    async run(here) {
      const fd = fs.openSync(here.at('a.txt'), 'w')
      const stream = fs.createWriteStream('', { fd, autoClose: false })
      stream.end('new\n')
      await finished(stream)
      fs.closeSync(fd)
    },
  },
  {
    id: 'createWriteStream_handle',
    by: 'createWriteStream on a FileHandle',
    ...edits('new\n'),
    async run(here) {
      const fd = await fs.promises.open(here.at('a.txt'), 'w')
      await endedWith(fs.createWriteStream('', { fd }), 'new\n')
    },
  },
  {
    id: 'createWriteStream_many',
    by: 'createWriteStream with a hundred writes and cork',
    ...edits('line\n'.repeat(100)),
    async run(here) {
      const stream = fs.createWriteStream(here.at('a.txt'))
      stream.cork()
      for (let index = 0; index < 100; index += 1) stream.write('line\n')
      stream.uncork()
      await endedWith(stream)
    },
  },
  {
    id: 'createWriteStream_destroyed',
    by: 'createWriteStream that is destroyed half way',
    ...edits('half'),
    async run(here) {
      const stream = fs.createWriteStream(here.at('a.txt'))
      await new Promise((resolve) => stream.write('half', resolve))
      stream.destroy()
      await once(stream, 'close')
    },
  },
  {
    id: 'createWriteStream_fails',
    by: 'createWriteStream in a folder that does not exist, which fails',
    expected: [],
    async run(here) {
      const stream = fs.createWriteStream(here.at('no/a.txt'))
      stream.end('x')
      await finished(stream).catch(() => undefined)
    },
  },
  {
    id: 'write_stream_class',
    by: 'new fs.WriteStream',
    ...edits('new\n'),
    run: (here) =>
      endedWith(new (fs.WriteStream as unknown as Constructor)(here.at('a.txt')), 'new\n'),
  },
  {
    id: 'pipeline_copy',
    by: 'a pipeline from one file to another',
    files: { 'a.txt': old },
    expected: [create('b.txt', old)],
    run: (here) =>
      pipeline(fs.createReadStream(here.at('a.txt')), fs.createWriteStream(here.at('b.txt'))),
  },
  {
    id: 'pipe_gunzip',
    by: 'pipe through a decompression',
    files: { 'a.gz': gzipSync(old), 'a.txt': 'old\n' },
    expected: [edit('a.txt', 'old\n', old)],
    async run(here) {
      const target = fs.createWriteStream(here.at('a.txt'))
      fs.createReadStream(here.at('a.gz')).pipe(createGunzip()).pipe(target)
      await once(target, 'close')
    },
  },
  {
    id: 'pipeline_http',
    by: 'a pipeline from an HTTP answer',
    ...edits('downloaded\n'),
    run: (here) =>
      withDownload(async (url) => {
        const request = http.get(url)
        const [response]: http.IncomingMessage[] = await once(request, 'response')
        if (response !== undefined) await pipeline(response, fs.createWriteStream(here.at('a.txt')))
      }),
  },
  {
    id: 'fetch_body',
    by: 'the body of fetch, piped into a file',
    expected: [create('a.txt', 'downloaded\n')],
    run: (here) =>
      withDownload(async (url) => {
        const { body } = await fetch(url)
        if (body === null) throw new Error('No body')
        await pipeline(Readable.fromWeb(body as never), fs.createWriteStream(here.at('a.txt')))
      }),
  },
  {
    id: 'web_stream',
    by: 'pipeTo of a web stream into Writable.toWeb',
    ...edits('abc'),
    async run(here) {
      const target = fs.createWriteStream(here.at('a.txt'))
      const closed = once(target, 'close')
      await Readable.toWeb(Readable.from([Buffer.from('a'), Buffer.from('bc')])).pipeTo(
        Writable.toWeb(target),
      )
      await closed
    },
  },
]

type Constructor = new (path: string) => fs.WriteStream

async function withDownload(use: (url: string) => Promise<void>): Promise<void> {
  const server = http.createServer((_request, response) => {
    response.write('down')
    response.end('loaded\n')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  try {
    await use(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`)
  } finally {
    server.close()
    server.closeAllConnections()
  }
}

/** `gracefulify` replaces the functions of `node:fs` for the whole process, so it is the last. */
import type * as fs from 'node:fs'
import { createRequire } from 'node:module'
import { finished } from 'node:stream/promises'
import { create, edit, type Way } from '../way.ts'

const require = createRequire(import.meta.url)

export const gracefulified: readonly Way[] = [
  {
    id: 'gracefulify',
    by: 'graceful-fs, gracefulify of node:fs',
    files: { 'b.txt': 'one\n', 'c.txt': 'one\n' },
    expected: [
      create('a.txt', 'new\n'),
      edit('b.txt', 'one\n', 'one\ntwo\n'),
      edit('c.txt', 'one\n', 'new\n'),
    ],
    async run(here) {
      const graceful: { gracefulify(target: unknown): typeof fs } = require('graceful-fs')
      const patched = graceful.gracefulify(require('node:fs'))
      await new Promise((resolve) => patched.writeFile(here.at('a.txt'), 'new\n', resolve))
      await new Promise((resolve) => patched.appendFile(here.at('b.txt'), 'two\n', resolve))
      await finished(patched.createWriteStream(here.at('c.txt')).end('new\n'))
    },
  },
]

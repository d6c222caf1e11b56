/** The same changes with each form of `node:fs`, in one turn. */
import * as fs from 'node:fs'
import { promisify } from 'node:util'
import { inTurn } from './differential/in-turn.ts'

type Call = (...values: never[]) => unknown

const forms: Readonly<Record<string, (name: string) => Call>> = {
  sync: (name) => Reflect.get(fs, `${name}Sync`),
  callback: (name) => promisify(Reflect.get(fs, name)),
  promise: (name) => Reflect.get(fs.promises, name),
}

await inTurn(async () => {
  for (const [form, find] of Object.entries(forms)) {
    const call = (name: string, ...values: unknown[]) =>
      Reflect.apply(find(name), undefined, values)
    await call('writeFile', `${form}.txt`, 'one\n')
    await call('writeFile', `${form}.txt`, 'one\n')
    await call('writeFile', `${form}.txt`, 'two\n')
    await call('appendFile', `${form}.txt`, 'three\n')
    await call('copyFile', `${form}.txt`, `${form}.copy`)
    await call('copyFile', `${form}.txt`, `${form}.copy`)
    await call('rename', `${form}.txt`, `${form}.moved`)
    await call('unlink', `${form}.moved`)
    await call('rm', `${form}.copy`)
  }
  fs.writeFileSync('empty.txt', '')
  fs.writeFileSync('bytes.bin', Buffer.from([0, 255, 1]))
  fs.appendFileSync('bytes.bin', Buffer.from([2]))
})

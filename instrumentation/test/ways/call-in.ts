/** Calls functions of `node:fs` by name, in one of their three forms, through the module object as it is at the time. */
import * as fs from 'node:fs'
import type { Call, Form } from './way.ts'

export function callIn(form: Form): Call {
  return async (name, ...values) => {
    if (form === 'sync') return Reflect.apply(Reflect.get(fs, `${name}Sync`), fs, values)
    if (form === 'promise') {
      return Reflect.apply(Reflect.get(fs.promises, name), fs.promises, values)
    }
    return new Promise((resolve, reject) => {
      const callback = (error: Error | null, value: unknown): void =>
        error === null || error === undefined ? resolve(value) : reject(error)
      Reflect.apply(Reflect.get(fs, name), fs, [...values, callback])
    })
  }
}

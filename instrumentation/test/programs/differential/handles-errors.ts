import { inTurn } from './in-turn.ts'

process.on('uncaughtException', (error, origin) => console.log(origin, error.message))
process.on('unhandledRejection', (reason) => console.log('rejected', String(reason)))
process.on('rejectionHandled', () => console.log('handled after all'))
console.log(process.listenerCount('unhandledRejection'), process.emit.name, process.emit.length)
await inTurn(() => {
  setTimeout(() => {
    throw new Error('in a timer')
  }, 1)
  const late = Promise.reject(new Error('late'))
  setTimeout(() => late.catch(() => undefined), 20)
})
setTimeout(() => console.log('alive'), 50)

/** An app that prints on both streams, and has a worker thread, a fork, and a child through a shell, each of which prints as well. */
import { execFileSync, fork } from 'node:child_process'
import { once } from 'node:events'
import { isMainThread, Worker } from 'node:worker_threads'

const [, program = '', role = isMainThread ? 'app' : 'thread'] = process.argv
console.log(`${role} prints`)
// A record of each: an error that it handles.
process.on('unhandledRejection', () => undefined)
void Promise.reject(new Error('handled'))
if (role === 'app') {
  console.error('app complains')
  const thread = new Worker(program, { stdout: true })
  thread.stdout.setEncoding('utf8').on('data', (text) => process.stdout.write(text))
  await once(thread, 'exit')
  await once(fork(program, ['fork']), 'exit')
  const command = `"${process.execPath}" "${program}" child`
  process.stdout.write(execFileSync('/bin/sh', ['-c', command], { encoding: 'utf8' }))
}

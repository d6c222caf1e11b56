/** Threads and children of the app: the preload runs in them again. */
import { execFileSync, execSync, fork, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { isMainThread, Worker, workerData } from 'node:worker_threads'

const { argv, env, execArgv } = process
if (!isMainThread) console.log('in a thread', workerData)
else if (argv[2] === 'child') {
  process.send?.({
    from: 'child',
    env: Object.keys(env).filter((name) => /^(OTEL|TURNLOG)/.test(name)),
  })
  process.disconnect()
} else {
  const worker = new Worker(new URL(import.meta.url), { workerData: 'given' })
  await once(worker, 'exit')
  const child = fork(new URL(import.meta.url), ['child'])
  child.on('message', (message) => console.log(message))
  console.log(await once(child, 'exit'))
  console.log(execFileSync('echo', ['from a child'], { encoding: 'utf8' }))
  console.log(spawnSync('sh', ['-c', 'exit 3']).status, execSync('echo again').toString())
  for (const call of [execSync, execFileSync, spawnSync]) console.log(call.name, call.length)
  try {
    execSync('exit 9', { stdio: 'ignore' })
  } catch (error) {
    console.log((error as { status: number }).status, (error as Error).message)
  }
  console.log(execArgv.filter((option) => !/register\.js$|^--import$/.test(option)))
}

/** The app's process: reads the config, starts the model, listens, and closes on a signal. */

import { loadModel } from './agent/models/load-model.ts'
import type { Model } from './agent/models/model.ts'
import { buildApp } from './app.ts'
import { type ModelConfig, readConfig } from './config.ts'
import { baseUrlsAt } from './scripted-model/addresses.ts'
import { type ScriptedModel, startScriptedModel } from './scripted-model/start.ts'

const host = '127.0.0.1'
/** After this time the process exits, even if something is still open. */
const closeWithinMs = 3_000

async function main(): Promise<void> {
  const read = readConfig(process.env, process.cwd())
  if (read.status === 'invalid') return fail(read.reason)
  const { port, workspace, model } = read.config

  const scripted = model.kind === 'scripted' ? await startScriptedModel() : undefined
  try {
    const app = await buildApp({
      model: await connect(model, scripted),
      isScripted: scripted !== undefined,
      workspace,
    })
    const address = await app.listen({ port, host })
    closeOnce(scripted, async () => {
      await app.close()
      await scripted?.close()
    })
    const modelInWords = scripted === undefined ? model.name : 'a scripted model'
    console.log(`Chat with ${modelInWords}: ${address} (workspace ${workspace})`)
  } catch (error) {
    await scripted?.close()
    fail(explain(error, { port, workspace }))
  }
}

function connect(model: ModelConfig, scripted: ScriptedModel | undefined): Promise<Model> {
  if (model.kind === 'api') return loadModel(model.api, model)
  const baseUrl = scripted && baseUrlsAt(scripted.baseUrl)[model.api]
  return loadModel(model.api, { name: model.name, apiKey: 'none', baseUrl })
}

/** Closes at the first signal, when the parent's IPC channel closes, and when the scripted model ends. */
function closeOnce(scripted: ScriptedModel | undefined, close: () => Promise<void>): void {
  let isClosing = false
  const end = (exitCode: number): void => {
    if (isClosing) return
    isClosing = true
    process.exitCode = exitCode
    const giveUp = setTimeout(() => process.exit(), closeWithinMs)
    close()
      .catch((error: unknown) => fail(`The app did not close cleanly: ${String(error)}`))
      .finally(() => {
        clearTimeout(giveUp)
        process.exit()
      })
  }
  process.on('SIGINT', () => end(0))
  process.on('SIGTERM', () => end(0))
  process.on('disconnect', () => end(0))
  void scripted?.ended.then(() => {
    if (isClosing) return
    fail('The scripted model has ended, so the app ends too.')
    end(1)
  })
}

function explain(error: unknown, config: { port: number; workspace: string }): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  const syscall = error instanceof Error && 'syscall' in error ? error.syscall : undefined
  if (code === 'EADDRINUSE') {
    return `Port ${config.port} is in use; set EXAMPLE_PORT to a free one.`
  }
  if (syscall === 'listen') return `Cannot listen on port ${config.port} (${code}).`
  if (syscall === 'mkdir') return `The workspace ${config.workspace} cannot be made (${code}).`
  return `The app cannot start: ${error instanceof Error ? error.message : String(error)}`
}

function fail(reason: string): void {
  console.error(reason)
  process.exitCode = 1
}

await main()

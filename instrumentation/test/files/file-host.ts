/**
 * An app that changes `f.txt` in one of many ways, each in a tool call of a turn of its own, and that serves the Changes
 * routes. `POST /run/FOLDER/NAME` does it in a folder of the workspace, and answers when the tool is done, with the error if it failed.
 */
import type { AddressInfo } from 'node:net'
import * as path from 'node:path'
import { toolCall, turn } from '@turnlog/instrumentation'
import fastify from 'fastify'
import { changesRoutes } from '../../src/changes/routes.ts'
import { actions } from './file-actions.ts'

const app = fastify()
await app.register(changesRoutes)
app.post<{ Params: { folder: string; name: string } }>('/run/:folder/:name', async ({ params }) => {
  const { folder, name } = params
  const action = actions[name]
  if (action === undefined) throw new Error(`There is no action ${name}.`)
  const at = (file: string): string => path.join(process.cwd(), folder, file)
  const work = () => toolCall({ name: 'work' }, async () => void (await action(at)))
  const error = await turn({ prompt: name }, work).then(
    () => null,
    (cause: unknown) => String(cause),
  )
  return { error }
})
process.on('SIGTERM', () => process.exit(0))
await app.listen({ port: 0, host: '127.0.0.1' })
console.log(`port ${(app.server.address() as AddressInfo).port}`)

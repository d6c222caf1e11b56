/**
 * `node instrumentation/test/packages/record-dialects.ts`: runs the apps that trace themselves, and writes the spans that their
 * libraries made into `conventions/test/dialects/spans.json`: one of each name, without long texts. Apps with an SDK of their own
 * print their spans, others are recorded by the preload.
 */
import { writeFileSync } from 'node:fs'
import * as path from 'node:path'
import { instrumentationScope } from '@turnlog/conventions'
import { toldBy } from '@turnlog/conventions/dialects/dialects'
import { parseObject } from '@turnlog/conventions/plain'
import { startProgram } from '../support/observed-program.ts'
import { readRecorded } from '../support/recorded.ts'
import { makeWorkspace } from '../support/workspace.ts'
import { folderOf, install, programFile } from './install.ts'
import { entries, loaders, nameOf, type PackageEntry } from './packages.ts'
import { post } from './run-app.ts'
import { startModelServer } from './server/server.ts'

interface DialectSpan {
  readonly name: string
  readonly scope: string
  readonly attributes: Readonly<Record<string, unknown>>
}

const textLengthMax = 160
const spans: Record<string, readonly DialectSpan[]> = {}
for (const entry of entries) {
  if (entry.tracing === undefined || entry.app.endsWith('-sdk')) continue
  await install(entry)
  const made = await spansOf(entry)
  const first = new Map(made.toReversed().map((span) => [span.name, span]))
  spans[nameOf(entry)] = [...first.values()].toReversed().map(asMade)
  console.log(nameOf(entry), first.size)
}
const file = path.resolve(import.meta.dirname, '../../../conventions/test/dialects/spans.json')
writeFileSync(file, `${JSON.stringify(spans, null, 2)}\n`)

async function spansOf(entry: PackageEntry): Promise<readonly DialectSpan[]> {
  using workspace = makeWorkspace()
  await using api = await startModelServer()
  await using program = startProgram(path.join(folderOf(entry), programFile), {
    cwd: workspace.folder,
    spool: workspace.spool,
    env: {
      APP: entry.app,
      FOLDER: folderOf(entry),
      LOADER: loaders.ESM,
      API: api.url,
      HTTP2_API: api.http2Url,
      STREAMED: entry.modes.includes('JSON') ? '0' : '1',
      FIRST: Object.keys(entry.packages).join(' '),
      PRINT_SPANS: '1',
    },
  })
  await post(await program.line('port'))
  const { stdout } = await program.ended()
  const printed = stdout.split('\n').flatMap((line) => {
    const span = line.startsWith('made ') ? parseObject(line.slice('made '.length)) : undefined
    return span === undefined ? [] : [span as unknown as DialectSpan]
  })
  const native = readRecorded(workspace.spool).spans.filter(
    ({ scope, attributes }) =>
      scope !== instrumentationScope || attributes['turnlog.tool_call.inferred'] === false,
  )
  return [...printed, ...native]
}

/** As the library made it: without what the sealer has changed. */
function asMade({ name, scope, attributes }: DialectSpan): DialectSpan {
  const made = Object.fromEntries(Object.entries(attributes).flatMap(toShort))
  const { role = 'step' } = toldBy({ name, scope, get: (attribute) => made[attribute] }) ?? {}
  const operation = attributes['turnlog.repeated_operation']
  const taken =
    role !== 'step' || operation === undefined ? {} : { 'gen_ai.operation.name': operation }
  return { name, scope, attributes: { ...taken, ...made } }
}

function toShort([key, value]: [string, unknown]): [string, unknown][] {
  if (/^(turnlog|session|server|user|log)\./.test(key) || key.endsWith('.size')) return []
  if (typeof value !== 'string' || value.length <= textLengthMax) return [[key, value]]
  return [[key, `${value.slice(0, textLengthMax)}…`]]
}

/** Makes `dist/` of a package: modules compiled one by one, or bundled. */
import { execFileSync } from 'node:child_process'
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import http from 'node:http'
import * as path from 'node:path'
import { build as bundle, type OutputChunk, type Plugin } from 'rolldown'
import type { Manifest, Publishing } from './manifest.ts'
import { writeNotices } from './notices.ts'

const root = path.resolve(import.meta.dirname, '..')

/** Entries that are bundled: the preload adds a third of the CPU to Node's start (bench/RESULTS.md). */
const instrumentationBundles = {
  './src/index.ts': 'index',
  './src/register.js': 'register',
  './src/changes/routes.ts': 'changes',
} as const

/** Entries with a separate module for `require`; the preload's `require` entry loads the same single preload. */
const commonJsBundles = ['./src/index.ts', './src/changes/routes.ts'] as const

/** Not bundled, because the host and the preload must share it. OpenTelemetry's API is not shared: an app may need another version. */
const shared = ['fastify', /^node:/]

/**
 * An import of `node:http` reads all its members, also those that load undici, whatever the app does: a third of the preload's
 * start. So the bundle takes the module without them.
 */
const httpWithoutUndici: Plugin = {
  name: 'http-without-undici',
  resolveId: (source) => (/^(?:node:)?http$/.test(source) ? '\0http' : undefined),
  load(id) {
    if (id !== '\0http') return undefined
    const members = Object.entries(Object.getOwnPropertyDescriptors(http))
    const names = members.flatMap(([name, { get }]) => (get === undefined ? [name] : []))
    return `const http = process.getBuiltinModule('node:http')
      export default http
      export const { ${names.join(', ')} } = http`
  },
}

/** A Node that cannot `require` an ES module is too old, and is to say so without failing. */
const requirePreload = `const preload = '../register.js'
try {
  require(preload)
} catch (cause) {
  if (cause.code !== 'ERR_REQUIRE_ESM') throw cause
  import(preload).catch(() => undefined)
}
`

/** Builds the package in this folder. Throws if it does not compile. */
export async function build(folder: string, manifest: Manifest): Promise<Publishing> {
  rmSync(path.join(folder, 'dist'), { recursive: true, force: true })
  if (manifest.name !== '@turnlog/instrumentation') {
    compile(folder, { to: 'dist' })
    copyAssets(folder)
    return {}
  }
  return buildInstrumentation(folder, manifest)
}

async function buildInstrumentation(folder: string, manifest: Manifest): Promise<Publishing> {
  const dist = path.join(folder, 'dist')
  const esm = await bundle({
    cwd: folder,
    input: {
      index: './src/index.ts',
      changes: './src/changes/routes.ts',
      config: './src/config.ts',
      start: './src/start.ts',
      worker: './src/worker/worker.ts',
      workspace: './src/workspace/thread.ts',
    },
    platform: 'node',
    external: ['fastify', /^node:(?!http$)/],
    plugins: [httpWithoutUndici],
    output: {
      dir: dist,
      format: 'esm',
      entryFileNames: '[name].js',
      chunkFileNames: '[name]-[hash].js',
    },
  })
  // They must run in a Node that cannot run the rest, and print the reason; so they are copied unchanged.
  for (const name of ['register.js', 'notice.js']) {
    const text = readFileSync(path.join(folder, 'src', name), 'utf8')
    writeFileSync(path.join(dist, name), text.replaceAll(/'(\.\/[a-z-]+)\.ts'/g, "'$1.js'"))
  }
  for (const entry of commonJsBundles) {
    await bundle({
      cwd: folder,
      input: { [instrumentationBundles[entry]]: entry },
      platform: 'node',
      external: shared,
      output: { dir: path.join(dist, 'cjs'), format: 'cjs', exports: 'named' },
    })
  }
  writeFileSync(path.join(dist, 'cjs/package.json'), '{ "type": "commonjs" }\n')
  writeFileSync(path.join(dist, 'cjs/register.js'), requirePreload)
  compile(folder, {
    to: 'dist/types',
    entries: Object.keys(instrumentationBundles).filter((entry) => entry.endsWith('.ts')),
  })
  // The preload exports nothing; compiled, its types would include those of everything that it starts.
  writeFileSync(path.join(dist, 'types/register.d.ts'), 'export {}\n')
  copyTypesForCommonJs(path.join(dist, 'types'), path.join(dist, 'cjs/types'))
  const packages = writeNotices(path.join(folder, 'THIRD-PARTY-NOTICES'), moduleIdsOf(esm.output))
  const bundled = Object.keys(manifest.dependencies ?? {}).filter(
    // Our types refer to the conventions' types.
    (name) => packages.has(name) && !name.startsWith('@turnlog/'),
  )
  return { bundles: instrumentationBundles, bundled }
}

function moduleIdsOf(output: readonly { readonly type: string }[]): string[] {
  return output
    .filter((each): each is OutputChunk => each.type === 'chunk')
    .flatMap(({ moduleIds }) => moduleIds)
}

/** Compiles modules and their types; for bundled `entries` only the types. */
function compile(
  folder: string,
  { to, entries }: { readonly to: string; readonly entries?: readonly string[] },
): void {
  const outDir = path.join(folder, to)
  mkdirSync(outDir, { recursive: true })
  const project = path.join(folder, 'dist', 'tsconfig.json')
  writeFileSync(
    project,
    JSON.stringify({
      extends: path.join(root, 'tsconfig.json'),
      compilerOptions: {
        noEmit: false,
        allowImportingTsExtensions: false,
        rewriteRelativeImportExtensions: true,
        declaration: true,
        emitDeclarationOnly: entries !== undefined,
        rootDir: path.join(folder, 'src'),
        outDir,
      },
      ...(entries === undefined
        ? { include: [path.join(folder, 'src')] }
        : { include: [], files: entries.map((entry) => path.join(folder, entry)) }),
      exclude: [],
    }),
  )
  execFileSync('tsc', ['--project', project], { stdio: 'inherit' })
  rmSync(project)
  for (const file of filesIn(outDir)) {
    if (!file.endsWith('.d.ts')) continue
    // The compiler rewrites import paths in modules, but not in types.
    const text = readFileSync(file, 'utf8')
    writeFileSync(file, text.replaceAll(/(['"]\.{1,2}\/[^'"]+)\.ts(['"])/g, '$1.js$2'))
  }
}

/** A CommonJS module may refer to the types of an ES module, such as the conventions', only with a resolution mode. */
function copyTypesForCommonJs(from: string, to: string): void {
  cpSync(from, to, { recursive: true })
  for (const file of filesIn(to)) {
    const text = readFileSync(file, 'utf8')
    writeFileSync(
      file,
      text.replaceAll(
        /^(import|export) (?:type )?(.*) from (['"]@turnlog\/conventions(?:\/[\w/-]+)?['"])/gm,
        (_statement, verb: string, names: string, from: string) =>
          `${verb} type ${names.replaceAll('type ', '')} from ${from} with { 'resolution-mode': 'import' }`,
      ),
    )
  }
}

/** Copies files that are neither compiled nor bundled: styles, images, schemas of messages. */
function copyAssets(folder: string): void {
  const source = path.join(folder, 'src')
  for (const file of filesIn(source)) {
    if (/\.(ts|js)$/.test(file)) continue
    const target = path.join(folder, 'dist', path.relative(source, file))
    mkdirSync(path.dirname(target), { recursive: true })
    cpSync(file, target)
  }
}

function filesIn(folder: string): string[] {
  if (!existsSync(folder)) return []
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath, entry.name))
}

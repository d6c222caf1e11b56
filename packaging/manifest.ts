/**
 * Derives the published manifest of a package from the repository's. Pure.
 *
 * In the repository `exports` names the sources, so that everything runs unbuilt. The published manifest
 * names `dist/`: `./src/a/b.ts` becomes `./dist/a/b.js`, with the types beside it. A bundled entry becomes
 * `./dist/<name>.js`, with its types in `dist/types/`, and both again for `require` in `dist/cjs/`.
 */

export interface Manifest {
  readonly name: string
  readonly version: string
  readonly exports: Readonly<Record<string, string>>
  readonly files?: readonly string[]
  readonly dependencies?: Readonly<Record<string, string>>
  readonly scripts?: { readonly prepack?: string; readonly postpack?: string }
  readonly [member: string]: unknown
}

export interface Publishing {
  /** The source of each bundled entry → the name of its bundle. */
  readonly bundles?: Readonly<Record<string, string>>
  /** Bundled packages, which are no longer dependencies. */
  readonly bundled?: readonly string[]
}

export type Target =
  | string
  | { readonly types: string; readonly default: string }
  | {
      readonly import: { readonly types: string; readonly default: string }
      readonly require: { readonly types: string; readonly default: string }
    }

export function publishedManifest(
  { scripts, devDependencies: _, exports, dependencies, ...kept }: Manifest,
  { bundles = {}, bundled = [] }: Publishing = {},
): object {
  const left = Object.entries(dependencies ?? {}).filter(([name]) => !bundled.includes(name))
  return {
    ...kept,
    // npm looks for it here, after packing.
    ...(scripts?.postpack === undefined ? {} : { scripts: { postpack: scripts.postpack } }),
    exports: Object.fromEntries(
      Object.entries(exports).map(([entry, source]) => [entry, publishedTarget(source, bundles)]),
    ),
    ...(left.length === 0 ? {} : { dependencies: Object.fromEntries(left) }),
  }
}

/** The path of an entry's source in the package. */
export function publishedTarget(source: string, bundles: Publishing['bundles'] = {}): Target {
  const types = source.replace(/\.(ts|js)$/, '.d.ts')
  const bundle = bundles[source]
  if (bundle !== undefined) {
    const entry = (folder: string) => ({
      types: types.replace('./src/', `./dist/${folder}types/`),
      default: `./dist/${folder}${bundle}.js`,
    })
    return { import: entry(''), require: entry('cjs/') }
  }
  const built = source.replace('./src/', './dist/')
  if (!/\.(ts|js)$/.test(source)) return built
  return { types: types.replace('./src/', './dist/'), default: built.replace(/\.ts$/, '.js') }
}

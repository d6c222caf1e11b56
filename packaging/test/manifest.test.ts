import { expect, test } from 'vitest'
import { publishedManifest, publishedTarget } from '../manifest.ts'

test('sources become the files built from them, with types beside them', () => {
  expect(publishedTarget('./src/storage/index.ts')).toEqual({
    types: './dist/storage/index.d.ts',
    default: './dist/storage/index.js',
  })
  expect(publishedTarget('./src/pages/*')).toBe('./dist/pages/*')
  expect(publishedTarget('./package.json')).toBe('./package.json')
})

test('a bundle exists for import and for require', () => {
  expect(publishedTarget('./src/a/b.ts', { './src/a/b.ts': 'c' })).toEqual({
    import: { types: './dist/types/a/b.d.ts', default: './dist/c.js' },
    require: { types: './dist/cjs/types/a/b.d.ts', default: './dist/cjs/c.js' },
  })
})

test('bundled packages are not dependencies, and fields only for the repository are not published', () => {
  const published = publishedManifest(
    {
      name: 'a',
      version: '1.0.0',
      exports: {},
      scripts: { prepack: 'build', postpack: 'restore' },
      dependencies: { diff: '9.0.0', pg: '8.0.0' },
      devDependencies: { vitest: '5.0.0' },
    },
    { bundled: ['diff'] },
  )
  expect(published).toEqual({
    name: 'a',
    version: '1.0.0',
    exports: {},
    scripts: { postpack: 'restore' },
    dependencies: { pg: '8.0.0' },
  })
})

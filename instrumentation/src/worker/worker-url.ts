/** Where the worker's program is: beside this file, which is bundled into `dist/` when the package is published. */
export const workerUrl = new URL(
  import.meta.url.endsWith('.ts') ? './worker.ts' : './worker.js',
  import.meta.url,
)

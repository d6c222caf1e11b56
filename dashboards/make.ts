/** `npm run dashboards`: writes the JSON files that Grafana reads. With `--show` it prints the answer of each panel's query instead. */
import { writeFileSync } from 'node:fs'
import { made } from './src/index.ts'

if (process.argv.includes('--show')) {
  const { show } = await import('./test/support/show.ts')
  await show(process.env)
} else {
  for (const [name, text] of made) writeFileSync(new URL(`json/${name}`, import.meta.url), text)
}

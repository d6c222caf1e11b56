/**
 * The long proofs, `npm run test:proofs`: an app with and without the preload, real frameworks that wait for a person, packages that
 * call models, a command-line agent, one conversation on each model API, apps that queue their work, every way to change a file, random sequences and
 * requests, files of threads and children by their owner, commands without a gap, a kill after every call of the sealer, Collectors
 * and exporters that lose records, the steps of Compose, the dashboards' queries, and contents of many megabytes. `npm test` leaves
 * them out.
 */
import { defineConfig, mergeConfig } from 'vitest/config'
import all, { proofs } from './vitest.config.ts'

const { include: _, exclude = [], ...test } = all.test ?? {}

export default mergeConfig(
  { ...all, test },
  defineConfig({
    test: { include: proofs, exclude: exclude.filter((each) => !proofs.includes(each)) },
  }),
)

/**
 * One of the agents of `npm run test:agents`: what its run shows is what `outcomes.json` says. It comes from npm; if it is not in the
 * cache and npm's registry does not answer, the run is skipped, and a line says so.
 */
import { expect, test } from 'vitest'
import { askRegistry } from '../../../packaging/test/support/project.ts'
import { ChangeStore } from '../../src/changes/store.ts'
import { isInstalled } from '../packages/install.ts'
import { makeWorkspace } from '../support/workspace.ts'
import { agents, nameOf } from './agents.ts'
import { agentAspects, faultsOf } from './compare-agent.ts'
import { readOutcomes } from './outcomes.ts'
import { runAgent } from './run-agent.ts'
import { packagesOf } from './start-agent.ts'

/** The smallest of them. */
const sample = agents.filter(({ package: name }) => name === '@continuedev/cli')
const registry = sample.every((agent) => isInstalled(packagesOf(agent)))
  ? { status: 'ok' as const }
  : await askRegistry(process.env)
if (registry.status === 'missing') console.log(`Skipped: ${registry.reason}`)

test('the sample has one agent', () => {
  expect(sample).toHaveLength(1)
})

test.for(sample)('$package: the outcome is the one in outcomes.json', async (agent, { skip }) => {
  skip(registry.status === 'missing', 'The agent is not in the cache.')
  expect(await runAgent(agent)).toEqual(readOutcomes()[nameOf(agent)])
})

test('every agent has an outcome, and there are no others', () => {
  expect(Object.keys(readOutcomes())).toEqual(agents.map(nameOf))
})

test('an agent of which nothing is recorded is whole in nothing', () => {
  using workspace = makeWorkspace()
  const store = new ChangeStore({ directory: workspace.spool })
  const faults = faultsOf({ spans: [], logs: [] }, store, { calls: 3, others: [] })
  const ofRecords = agentAspects.filter((aspect) => aspect !== 'host' && aspect !== 'session')
  expect(Object.keys(faults)).toEqual(ofRecords)
})

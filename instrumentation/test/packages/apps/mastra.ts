import type { App } from '../app.ts'
import { ask, makeWriter } from './mastra-parts.ts'

export const app: App = async (surroundings) => ask(await makeWriter(surroundings), surroundings)

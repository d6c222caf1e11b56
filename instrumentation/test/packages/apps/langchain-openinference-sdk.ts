import type { App } from '../app.ts'
import { app as agent } from './langchain-openinference.ts'
import { registerSdk } from './own-sdk.ts'

export const app: App = async (surroundings) => {
  await registerSdk(surroundings)
  return agent(surroundings)
}

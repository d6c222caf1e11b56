import type { App } from '../app.ts'
import { run } from './bedrock.ts'

/** Newer versions use HTTP/2 for every call. */
export const app: App = (surroundings) => run(surroundings, surroundings.http2Api)

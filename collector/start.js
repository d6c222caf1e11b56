/** The entry point of `npm run collector`. */
import { isNodeNewEnough } from '../start/node-version.js'

if (isNodeNewEnough()) await import('./main.ts')

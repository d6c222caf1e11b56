/** The entry point of `npm start`. */
import { isNodeNewEnough } from './node-version.js'

if (isNodeNewEnough()) await import('./main.ts')

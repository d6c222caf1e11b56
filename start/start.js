/** What `npm start` runs. */
import { isNodeNewEnough } from './node-version.js'

if (isNodeNewEnough()) await import('./main.ts')

/** What `npm run collector` runs. */
import { isNodeNewEnough } from '../start/node-version.js'

if (isNodeNewEnough()) await import('./main.ts')

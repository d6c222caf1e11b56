/** Opens the embedded PostgreSQL of a data folder, says how, and stays until it is killed. */

import { openEmbeddedPostgres } from '@turnlog/embedded-postgres'

const [dataDirectory = ''] = process.argv.slice(2)
const { pid, url } = await openEmbeddedPostgres({ dataDirectory })
console.log(JSON.stringify({ pid, url }))
setInterval(() => {}, 1_000)

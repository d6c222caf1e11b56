/** Opens the embedded PostgreSQL of a data folder, prints its process id and URL, and runs until it is killed. */
import { openEmbeddedPostgres } from '@turnlog/embedded-postgres'

const [dataDirectory = ''] = process.argv.slice(2)
const { pid, url } = await openEmbeddedPostgres({ dataDirectory })
console.log(JSON.stringify({ pid, url }))
setInterval(() => {}, 1_000)

/** Writes the file that it is given, in a process or a thread. */
import { writeFile } from 'node:fs/promises'

await writeFile(process.argv[2] ?? '', 'new\n')

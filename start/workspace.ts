import { mkdir, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { explainFolderErrors } from '@turnlog/embedded-postgres/folder'

/** Creates the agent's folder with a first file to ask about; an existing folder is not changed. */
export async function prepareWorkspace(folder: string): Promise<void> {
  await explainFolderErrors(folder, async () => {
    const isMissing = await stat(folder).then(
      () => false,
      () => true,
    )
    await mkdir(folder, { recursive: true, mode: 0o700 })
    if (isMissing)
      await writeFile(join(folder, 'hello.txt'), 'This is hello.txt.\n', { flag: 'wx' })
  })
}

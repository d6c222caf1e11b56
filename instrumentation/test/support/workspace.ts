/** A temporary folder for one test, with the app's workspace and, beside it, the spool. */
import * as fs from 'node:fs'
import * as os from 'node:os'
import * as path from 'node:path'

export type Workspace = ReturnType<typeof makeWorkspace>

export function makeWorkspace(files: Readonly<Record<string, string>> = {}) {
  const root = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'turnlog-observe-')))
  const folder = path.join(root, 'workspace')
  fs.mkdirSync(folder)
  for (const [name, content] of Object.entries(files)) {
    fs.mkdirSync(path.dirname(path.join(folder, name)), { recursive: true })
    fs.writeFileSync(path.join(folder, name), content)
  }
  return {
    root,
    folder,
    spool: path.join(root, 'spool'),
    /** Every file of the workspace with its mode and content. */
    files(): readonly string[] {
      return fs
        .readdirSync(folder, { recursive: true, withFileTypes: true })
        .map((entry) => {
          const file = path.join(entry.parentPath, entry.name)
          const { mode } = fs.lstatSync(file)
          const content = entry.isFile() ? fs.readFileSync(file, 'latin1').slice(0, 200) : ''
          return `${path.relative(folder, file)} ${mode.toString(8)} ${content}`
        })
        .sort()
    },
    [Symbol.dispose](): void {
      fs.rmSync(root, { recursive: true, force: true })
    },
  }
}

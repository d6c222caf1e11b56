/** The tools that read and change files of the workspace. */

import { mkdir, readdir, readFile, rename, stat, unlink, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { defineTool, failed, ok, type Tool, type ToolOutcome } from './tool.ts'
import { codeOf, type Workspace } from './workspace.ts'

/** More than a model can read at once; a larger file is refused, not cut. */
const fileBytesMax = 8 * 1024 ** 2
const listedEntriesMax = 1_000

const pathMeaning = 'Relative to the workspace.'

export function createFileTools(workspace: Workspace): readonly Tool[] {
  return [
    readFileTool(workspace),
    writeFileTool(workspace),
    editFileTool(workspace),
    deleteFileTool(workspace),
    renameFileTool(workspace),
    listFilesTool(workspace),
  ]
}

function readFileTool(workspace: Workspace): Tool {
  return defineTool('read_file', 'Reads a text file.', { path: pathMeaning }, (inputs) =>
    inWorkspace(workspace, [inputs.path], ([path]) => readText(path, inputs.path)),
  )
}

function writeFileTool(workspace: Workspace): Tool {
  return defineTool(
    'write_file',
    'Writes a text file: makes it, and its missing folders, or replaces all of its content.',
    { path: pathMeaning, content: 'The whole content of the file.' },
    (inputs) =>
      inWorkspace(workspace, [inputs.path], async ([path]) => {
        await mkdir(dirname(path), { recursive: true })
        await writeFile(path, inputs.content)
        return ok(`Wrote ${inputs.path} (${Buffer.byteLength(inputs.content)} bytes).`)
      }),
  )
}

function editFileTool(workspace: Workspace): Tool {
  return defineTool(
    'edit_file',
    'Replaces one piece of text in a file. The old text must occur in it exactly once, to the letter.',
    {
      path: pathMeaning,
      old_text: 'What is there now, with enough around it to be unmistakable.',
      new_text: 'What stands there afterwards.',
    },
    async (inputs) => {
      if (inputs.old_text === '') return failed("The input 'old_text' must not be empty.")
      return inWorkspace(workspace, [inputs.path], async ([path]) => {
        const file = await readText(path, inputs.path)
        if (file.status === 'failed') return file
        const [before, after, ...more] = file.text.split(inputs.old_text)
        if (before === undefined || after === undefined) {
          return failed(`The old text does not occur in ${inputs.path}.`)
        }
        if (more.length > 0) {
          return failed(`The old text occurs ${more.length + 1} times in ${inputs.path}, not once.`)
        }
        await writeFile(path, before + inputs.new_text + after)
        return ok(`Edited ${inputs.path}.`)
      })
    },
  )
}

function deleteFileTool(workspace: Workspace): Tool {
  return defineTool(
    'delete_file',
    'Deletes a file. Folders are left alone.',
    { path: pathMeaning },
    (inputs) =>
      inWorkspace(workspace, [inputs.path], async ([path]) => {
        if ((await stat(path)).isDirectory()) return failed(`${inputs.path} is a folder.`)
        await unlink(path)
        return ok(`Deleted ${inputs.path}.`)
      }),
  )
}

function renameFileTool(workspace: Workspace): Tool {
  return defineTool(
    'rename_file',
    'Renames or moves a file, making missing folders; a file already there is replaced.',
    { from: `Its path now. ${pathMeaning}`, to: `Its path afterwards. ${pathMeaning}` },
    (inputs) =>
      inWorkspace(workspace, [inputs.from, inputs.to], async ([from, to]) => {
        if ((await stat(from)).isDirectory()) return failed(`${inputs.from} is a folder.`)
        await mkdir(dirname(to), { recursive: true })
        await rename(from, to)
        return ok(`Renamed ${inputs.from} to ${inputs.to}.`)
      }),
  )
}

function listFilesTool(workspace: Workspace): Tool {
  return defineTool(
    'list_files',
    'Lists what is in a folder, one name a line; folders end in /.',
    { path: `${pathMeaning} The workspace itself is '.'.` },
    (inputs) =>
      inWorkspace(workspace, [inputs.path], async ([path]) => {
        const entries = await readdir(path, { withFileTypes: true })
        const names = entries.map((entry) => entry.name + (entry.isDirectory() ? '/' : '')).sort()
        const left = names.length - listedEntriesMax
        if (left > 0) names.splice(listedEntriesMax, left, `… and ${left} more`)
        return ok(names.length > 0 ? names.join('\n') : 'The folder is empty.')
      }),
  )
}

/** Runs the work with the real paths, unless one is refused. A system error becomes the tool's failure. */
async function inWorkspace<const Paths extends readonly string[]>(
  workspace: Workspace,
  paths: Paths,
  work: (located: { [At in keyof Paths]: string }) => Promise<ToolOutcome>,
): Promise<ToolOutcome> {
  const located: string[] = []
  for (const path of paths) {
    const place = await workspace.locate(path)
    if (place.status === 'refused') return failed(place.reason)
    located.push(place.path)
  }
  try {
    return await work(located as { [At in keyof Paths]: string })
  } catch (error) {
    return failed(explain(error, paths.join(' → ')))
  }
}

/** A file's unchanged text, including its byte order mark and line ends. */
async function readText(path: string, name: string): Promise<ToolOutcome> {
  const facts = await stat(path)
  if (facts.isDirectory()) return failed(`${name} is a folder.`)
  if (!facts.isFile()) return failed(`${name} is not an ordinary file.`)
  if (facts.size > fileBytesMax) {
    return failed(`${name} has ${facts.size} bytes; at most ${fileBytesMax} are read.`)
  }
  try {
    const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
    return ok(decoder.decode(await readFile(path)))
  } catch (error) {
    if (!(error instanceof TypeError)) throw error
    return failed(`${name} is not UTF-8 text.`)
  }
}

const explanations: Readonly<Record<string, string>> = {
  ENOENT: 'does not exist',
  ENOTDIR: 'has a file where a folder would have to be',
  EISDIR: 'is a folder',
  EACCES: 'may not be accessed',
  EPERM: 'may not be changed',
  EROFS: 'lies on a disk that cannot be written',
  ENOSPC: 'does not fit on the disk',
  ENAMETOOLONG: 'has too long a name',
  EEXIST: 'has a file where a folder would have to be',
}

function explain(error: unknown, path: string): string {
  const code = codeOf(error)
  return `${path} ${explanations[code] ?? 'could not be used'} (${code}).`
}

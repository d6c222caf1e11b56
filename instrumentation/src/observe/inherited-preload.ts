/**
 * Forked children and worker threads inherit the host's `--import` and `--require`, all children `NODE_OPTIONS`, and Node looks
 * for a package's name from the working directory of that moment. In another folder than the app's it does not find this
 * package, and the child would fail. So the host's arguments and `NODE_OPTIONS` name the preload by its place.
 */
import * as path from 'node:path'
import { pathToFileURL } from 'node:url'

const packageName = '@turnlog/instrumentation/register'
/** Arguments that threads accept, each with a value. */
const ofThreads = ['--import', '--require', '-r']

/** Changes `process.execArgv` and `NODE_OPTIONS`, which children inherit; the returned function undoes it. */
export function placePreload(preload: string): () => void {
  const original = [...process.execArgv]
  const placed = placedArguments(original, preload, process.cwd())
  process.execArgv.splice(0, process.execArgv.length, ...placed)
  const { NODE_OPTIONS: options } = process.env
  const placedText = options && placedOptions(options, preload, process.cwd())
  if (placedText !== options) process.env.NODE_OPTIONS = placedText
  return () => {
    process.execArgv.splice(0, process.execArgv.length, ...original)
    if (placedText !== options) process.env.NODE_OPTIONS = options
  }
}

/** As `placedArguments`, of the text of `NODE_OPTIONS`. A value with spaces is in double quotes there. */
export function placedOptions(text: string, preload: string, folder: string): string {
  return text.replace(
    /(?<=^|\s)(--import|--require|-r)(=|\s+)("(?:[^"\\]|\\.)*"|\S+)/g,
    (whole, name: string, sign: string, value: string) => {
      const given = value.startsWith('"') ? value.slice(1, -1).replace(/\\(.)/g, '$1') : value
      if (!isPreload(given, preload, folder)) return whole
      const place = placeFor(name, preload)
      return `${name}${sign}${/[\s"\\]/.test(place) ? JSON.stringify(place) : place}`
    },
  )
}

/** Arguments of Node in which the preload is named by its place. */
export function placedArguments(
  values: readonly string[],
  preload: string,
  folder: string,
): string[] {
  return values.map((value, index) => {
    const [name = '', given] = value.startsWith('--') ? value.split(/=(.*)/s) : [value]
    if (ofThreads.includes(name) && given !== undefined) {
      return isPreload(given, preload, folder) ? `${name}=${placeFor(name, preload)}` : value
    }
    const before = values[index - 1] ?? ''
    const isNamed = ofThreads.includes(before) && isPreload(value, preload, folder)
    return isNamed ? placeFor(before, preload) : value
  })
}

/**
 * The `execArgv` of a thread that is started in another folder than the app. `undefined`: the thread inherits the process's
 * arguments. Node refuses arguments for a thread that apply to the whole process, so if there are any, the thread inherits.
 */
export function argumentsOfThread(): string[] | undefined {
  const values = process.execArgv
  const areOfThreads = values.every(
    (value, index) =>
      ofThreads.includes(value.split('=')[0] ?? '') || ofThreads.includes(values[index - 1] ?? ''),
  )
  return areOfThreads && values.length > 0 ? [...values] : undefined
}

function isPreload(given: string, preload: string, folder: string): boolean {
  return given === packageName || (given.startsWith('.') && path.resolve(folder, given) === preload)
}

function placeFor(name: string, preload: string): string {
  return name === '--import' ? pathToFileURL(preload).href : preload
}

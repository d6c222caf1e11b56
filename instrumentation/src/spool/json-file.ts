/** Small files of one JSON object. */
import { type FileSystem, isMissing } from '../file-system.ts'

/** Undefined where there is no such file, or it is no JSON object. Throws when it cannot be read: that is neither. */
export function readJson(
  fileSystem: FileSystem,
  file: string,
): Record<string, unknown> | undefined {
  let text: string
  try {
    text = fileSystem.readFileSync(file, 'utf8')
  } catch (cause) {
    if (isMissing(cause)) return undefined
    throw cause
  }
  try {
    const value: unknown = JSON.parse(text)
    return isObject(value) ? value : undefined
  } catch {
    return undefined
  }
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

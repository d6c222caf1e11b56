/** Small files of one JSON object. */
import { type JsonObject, parseObject } from '@turnlog/conventions/plain'
import { type FileSystem, isMissing } from '../file-system.ts'

/** Undefined where there is no such file, or it is no JSON object. Throws when it cannot be read: that is neither. */
export function readJson(fileSystem: FileSystem, file: string): JsonObject | undefined {
  let text: string
  try {
    text = fileSystem.readFileSync(file, 'utf8')
  } catch (cause) {
    if (isMissing(cause)) return undefined
    throw cause
  }
  return parseObject(text)
}

/** Ways that open `a.txt`, use what was opened, and close it. */
import { creates, edits } from './common-files.ts'
import type { Way } from './way.ts'

/** How a file is opened and closed: by a descriptor, or a `FileHandle`. */
interface Opening<Opened> {
  open(path: string, flags: string | number): Opened | Promise<Opened>
  close(opened: Opened): unknown
}

/** The returned function makes a way; without `hasFile`, `a.txt` does not exist before. */
export function waysThatOpen<Opened>({ open, close }: Opening<Opened>) {
  return (
    id: string,
    by: string,
    flags: string | number,
    after: string,
    use: (opened: Opened) => unknown,
    hasFile = true,
  ): Way => ({
    id,
    by,
    ...(hasFile ? edits(after) : creates(after)),
    async run(here) {
      const opened = await open(here.at('a.txt'), flags)
      await use(opened)
      await close(opened)
    },
  })
}

/** The files that most ways change, and what is recorded of it. */
import { type Content, create, edit, type State, type Way } from './way.ts'

type Change = Pick<Way, 'files' | 'expected'>

/** `a.txt` before it is changed. */
export const old = 'one\ntwo\nthree\n'

/** `a.txt` exists and is changed to `after`. */
export function edits(after: Content | State): Change {
  return { files: { 'a.txt': old }, expected: [edit('a.txt', old, after)] }
}

/** `a.txt` does not exist and is made. */
export function creates(after: Content | State): Change {
  return { expected: [create('a.txt', after)] }
}

/** A folder, and the files that its copy `z` has. */
export const tree = { 'p/a.txt': 'a\n', 'p/q/b.txt': 'b\n' }
export const copied = [create('z/a.txt', 'a\n'), create('z/q/b.txt', 'b\n')]

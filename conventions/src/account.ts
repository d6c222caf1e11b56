/**
 * The user that runs this process, from the environment and the system's own list. On Linux neither `os.userInfo()` nor
 * `os.homedir()` is called: both ask the name services, which may wait for a directory server that does not answer.
 */
import * as os from 'node:os'
import { readRegularFile } from './regular-file.ts'

interface Account {
  readonly name?: string | undefined
  readonly home?: string | undefined
}

/** Undefined for a user without a name, as in containers. */
export function accountName(): string | undefined {
  return ownAccount().name ?? (process.env.LOGNAME || process.env.USER || undefined)
}

/** Throws if the user has no home folder. */
export function homeFolder(): string {
  const home = process.env.HOME || ownAccount().home
  if (home) return home
  throw new Error('The home folder is unknown: HOME is not set.')
}

function ownAccount(): Account {
  return process.platform === 'win32' || process.platform === 'darwin'
    ? accountOfSystem()
    : accountOfList(readRegularFile('/etc/passwd') ?? '', process.geteuid?.() ?? -1)
}

/** These systems answer from the machine itself. */
function accountOfSystem(): Account {
  try {
    const { username, homedir } = os.userInfo()
    return { name: username, home: homedir }
  } catch {
    // No account has that id.
    return {}
  }
}

/** passwd(5): `name:password:uid:gid:comment:home:shell`. */
export function accountOfList(passwd: string, uid: number): Account {
  for (const line of passwd.split('\n')) {
    const [name, , id, , , home] = line.split(':')
    if (id === String(uid)) return { name: name || undefined, home: home || undefined }
  }
  return {}
}

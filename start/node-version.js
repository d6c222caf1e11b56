/**
 * Whether this Node can run the rest. This file and its callers are plain JavaScript, so that a Node that is too old prints
 * one line instead of a syntax error. On Linux x64 `npm ci` installs the right Node; elsewhere the installed one is used.
 */
export function isNodeNewEnough() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  if (major > 24 || (major === 24 && minor >= 2)) return true
  console.error(
    `Node 24.2 or newer is needed, this is ${process.version}. Install it, or run npm ci first.`,
  )
  process.exitCode = 1
  return false
}

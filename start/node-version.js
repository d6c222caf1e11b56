/**
 * Whether this Node can run the rest. Plain JavaScript, as whoever asks must be, so that a Node that is too old can say
 * so in one line: on Linux x64 `npm ci` brings the right one, elsewhere the Node that is installed runs everything.
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

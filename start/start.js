/**
 * What `npm start` runs. Plain JavaScript, so that a Node that is too old for the rest can say so in one line: on Linux
 * x64 `npm ci` brings the right one, elsewhere the Node that is installed runs everything.
 */
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)

if (major > 24 || (major === 24 && minor >= 2)) {
  await import('./main.ts')
} else {
  console.error(
    `Node 24.2 or newer is needed, this is ${process.version}. Install it, or run npm ci first.`,
  )
  process.exitCode = 1
}

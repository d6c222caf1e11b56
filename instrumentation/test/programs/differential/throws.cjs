/** Exits with the error of a failed call, deep in a CommonJS module. */
const fs = require('node:fs')
/** @param {number} count */
function deep(count) {
  if (count === 0) fs.writeFileSync('nowhere/x.txt', 'x')
  else deep(count - 1)
}
deep(3)

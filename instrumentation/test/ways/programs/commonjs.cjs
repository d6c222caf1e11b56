/** A CommonJS module, as in older apps: functions are taken out of `fs` when it is loaded. */
const { writeFileSync, promises } = require('node:fs')
const { writeFile } = promises

/** @param {string} file */
exports.writeTwice = async (file) => {
  writeFileSync(file, 'new\n')
  await writeFile(file, 'newer\n')
}

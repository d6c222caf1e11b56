/** An app that writes, in a turn, through descriptors that it opened before: of a file in its folder, and of one outside of it. */
import * as fs from 'node:fs'
import { turn } from '@turnlog/instrumentation'

const descriptors = ['app.log', '../outside.log'].map((file) => fs.openSync(file, 'a'))
await turn({ prompt: 'hello' }, async (turn) => {
  for (const descriptor of [...descriptors, ...descriptors]) fs.writeSync(descriptor, 'a line\n')
  turn.answer('done')
})

/** A CommonJS app. */
const { turn, toolCall, fileOperation, decide } = require('@turnlog/instrumentation')

turn({ prompt: 'from CommonJS' }, async (turn) => {
  const operationId = await toolCall({ name: 'edit' }, () =>
    fileOperation({ path: 'a.txt', before: 'a', after: 'b' }),
  )
  decide({ operationId, type: 'accept', source: 'policy' })
  turn.answer('done')
})

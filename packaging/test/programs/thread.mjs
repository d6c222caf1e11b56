// A worker thread of the app. Each message to it is one turn.
import { parentPort } from 'node:worker_threads'
import { turn } from '@turnlog/instrumentation'

parentPort.on('message', (message) => {
  const answer = turn({ prompt: message }, (turn) => {
    turn.answer('From a thread.')
    return 'From a thread.'
  })
  parentPort.postMessage({ answer })
})

/** An app that asks a model, over `CLIENT`, which nobody answers; then it starts itself as a child that does the same. */
const { execFileSync } = require('node:child_process')
const http = require('node:http')

// Browsers, and so `fetch`, refuse some ports; not this one.
const url = 'http://127.0.0.1:2/v1/messages?beta=1'
const body = JSON.stringify({ model: 'm', messages: [{ role: 'user', content: 'Hello' }] })

function ask() {
  if (process.env.CLIENT === 'fetch') return fetch(url, { method: 'POST', body })
  return new Promise((resolve, reject) => {
    http.request(url, { method: 'POST' }, resolve).on('error', reject).end(body)
  })
}

ask().catch(() => {
  console.log('prints')
  console.error('complains')
  if (process.argv[2] === 'child') return
  execFileSync(process.execPath, [__filename, 'child'], { stdio: ['ignore', 'pipe', 'inherit'] })
})

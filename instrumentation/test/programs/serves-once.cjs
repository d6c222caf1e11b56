/** A web server that gets one request, and ends. */
const http = require('node:http')

const server = http.createServer((_, response) => response.end('served'))
server.listen(0, '127.0.0.1', () => {
  const { port } = Object(server.address())
  http.get({ port, agent: false }, (response) => {
    response.on('end', () => server.close()).resume()
    console.log('prints')
    console.error('complains')
  })
})

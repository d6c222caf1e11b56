// Serves the panel as described in @turnlog/web's README.
const { readFileSync } = require('node:fs')
const path = require('node:path')

const folder = path.dirname(require.resolve('@turnlog/web/changes.js'))
const page = `<!doctype html><title>Changes</title>
<script type="module" src="/changes/turnlog-changes.js"></script>
<turnlog-changes></turnlog-changes>`

exports.panelRoutes = async (app) => {
  app.get('/', (_request, reply) => reply.type('text/html; charset=utf-8').send(page))
  app.get('/changes/:file', ({ params }, reply) =>
    reply
      .type('text/javascript; charset=utf-8')
      .send(readFileSync(path.join(folder, path.basename(params.file)))),
  )
}

/** A trace with one of everything, and every route's answer to it, as files; see their README. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { request, start, toGoldenTime, traceId } from './golden-trace.ts'
import { openStage, type Stage } from './stage.ts'

let stage: Stage
beforeAll(async () => {
  stage = await openStage({ limits: { publicUrl: 'https://turnlog.example' } })
  await stage.land(request)
})
afterAll(() => stage[Symbol.asyncDispose]())

const from = new Date(Number(start) - 60_000).toISOString()
const to = new Date(Number(start) + 60_000).toISOString()
const times = `query.startTimeMin=${from}&query.startTimeMax=${to}`

test.each([
  ['v1-services', '/api/services'],
  ['v1-operations-of-service', '/api/services/other/service/operations'],
  ['v1-operations', '/api/operations?service=example'],
  ['v1-search', '/api/traces?service=example'],
  ['v1-trace', `/api/traces/${traceId}`],
  ['v1-trace-raw', `/api/traces/${traceId}?raw=true`],
  ['v1-traces-by-id', `/api/traces?traceID=${traceId}&traceID=1&maxAttributeBytes=0`],
  ['v1-dependencies', `/api/dependencies?endTs=${Date.now()}&lookback=604800000`],
  ['v3-services', '/api/v3/services'],
  ['v3-operations', '/api/v3/operations?service=unknown_service'],
  ['v3-trace', `/api/v3/traces/${traceId}`],
  ['v3-traces', `/api/v3/traces?${times}&maxAttributeBytes=100`],
  ['v3-trace-summaries', `/api/v3/trace-summaries?${times}`],
  ['v3-dependencies', `/api/v3/dependencies?startTime=${from}&endTime=${to}`],
])('%s', async (name, path) => {
  const body = await stage.read(path)
  // The text, not the values: a number that was rounded would look the same.
  const text = await (await stage.get(path)).text()
  expect(JSON.parse(text)).toEqual(body)
  await expect(laidOut(toGoldenTime(text))).toMatchFileSnapshot(`golden/${name}.json`)
})

/** Indents JSON without changing a digit, and abridges runs of one character. */
function laidOut(text: string): string {
  const tokens = text.match(/"(?:[^"\\]|\\.)*"|[{}[\],:]|[^{}[\],:"\s]+/g) ?? []
  let depth = 0
  let line = ''
  const lines: string[] = []
  const end = () => {
    if (line !== '') lines.push('  '.repeat(depth) + line)
    line = ''
  }
  for (const [index, token] of tokens.entries()) {
    const next = tokens[index + 1] ?? ''
    if (token === ',') {
      line += ','
      end()
    } else if (token === '{' || token === '[') {
      line += token
      if (next !== '}' && next !== ']') {
        end()
        depth += 1
      }
    } else if (token === '}' || token === ']') {
      const before = tokens[index - 1] ?? ''
      if (before !== '{' && before !== '[') {
        end()
        depth -= 1
      }
      line += token
    } else if (token === ':') {
      line += ': '
    } else {
      line += abridged(token)
    }
  }
  end()
  return `${lines.join('\n')}\n`
}

function abridged(token: string): string {
  return token.replace(
    /([xyz]|at |,\d+)\1{30,}/g,
    (run, unit: string) => `(${run.length / unit.length} × ${unit})`,
  )
}

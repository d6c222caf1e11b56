/**
 * The pages in a real browser: whatever is recorded, no page is wider than its window.
 *
 * Long lines, names without a place to break and large numbers are ordinary data. What does not fit scrolls inside its
 * own box or is broken, on a phone's width and on a desk's.
 */

import { createSignInLink } from '@turnlog/receiver/storage'
import type { Page } from 'playwright-core'
import { beforeAll, expect, test } from 'vitest'
import { useBrowser } from '../../../test/support/browser.ts'
import {
  log,
  logsRequest,
  newSpanId,
  newTraceId,
  post,
  span,
  traceRequest,
} from '../../../test/support/otlp.ts'
import { withReceiver } from '../../../test/support/receiver.ts'

const browser = useBrowser()
const traceId = newTraceId()
const { database, receiver } = await withReceiver()
beforeAll(landLongTurn)

const word = 'unbreakable'.repeat(30)
const line = `const value = '${'x'.repeat(740)}'`

async function landLongTurn(): Promise<void> {
  const [root, tool, file] = [newSpanId(), newSpanId(), newSpanId()]
  const messages = (role: string, parts: readonly object[]) => JSON.stringify([{ role, parts }])
  const text = (content: string) => ({ type: 'text', content })
  const resource = {
    'service.name': word,
    'service.version': word,
    'service.instance.id': 'recorder-of-many-records',
    'session.id': word,
    'user.id': word,
    'vcs.ref.head.name': word,
    'vcs.ref.head.revision': 'c0ffee'.repeat(6),
    'turnlog.recorder.recorded_through': 12_345_678,
  }
  const operationId = '5f8c6a1e-9d0b-4a3c-8a52-0c7f7f0d7a11'
  const fileOperation = (type: string, diff: string) =>
    span(
      {
        'turnlog.file_operation.id': operationId,
        'turnlog.file_operation.type': type,
        'file.path': `src/${word}.ts`,
        'turnlog.file_operation.previous_path': `src/before-${word}.ts`,
        'turnlog.file_operation.before': 'old\n',
        'turnlog.file_operation.after': `${line}\n`,
        'turnlog.file_operation.diff': diff,
        'turnlog.file_operation.lines_added': 1_234_567,
        'turnlog.file_operation.lines_removed': 1_234_567,
        'error.type': word,
      },
      {
        traceId,
        spanId: type === 'edit' ? file : newSpanId(),
        parentSpanId: type === 'edit' ? tool : root,
      },
    )
  await post(
    receiver,
    'traces',
    traceRequest(
      [
        span(
          {
            'gen_ai.operation.name': 'invoke_agent',
            'gen_ai.agent.name': word,
            'gen_ai.request.model': word,
            'gen_ai.conversation.id': word,
            'gen_ai.input.messages': messages('user', [text(`Write ${word}`)]),
            'gen_ai.output.messages': messages('assistant', [text(`Done: ${line}`)]),
            'gen_ai.usage.input_tokens': 123_456_789,
            'gen_ai.usage.output_tokens': 123_456_789,
            'url.path': `/${word}`,
            'turnlog.transport': 'rest',
            'turnlog.sequence': 1,
            'error.type': word,
          },
          { traceId, spanId: root },
        ),
        span(
          {
            'gen_ai.operation.name': 'chat',
            'gen_ai.request.model': word,
            'gen_ai.input.messages': messages('user', [text(line)]),
            'gen_ai.output.messages': messages('assistant', [
              text(line),
              { type: 'tool_call', id: 'other', name: word, arguments: { [word]: line } },
            ]),
            'gen_ai.system_instructions': JSON.stringify([text(line)]),
            'gen_ai.tool.definitions': JSON.stringify([{ name: word, description: line }]),
            'gen_ai.response.finish_reasons': [word],
            'error.type': word,
          },
          { traceId, parentSpanId: root },
        ),
        span(
          {
            'gen_ai.operation.name': 'execute_tool',
            'gen_ai.tool.name': word,
            'gen_ai.tool.call.arguments': JSON.stringify({ [word]: 'short' }),
            'gen_ai.tool.call.result': line,
            'error.type': word,
          },
          { traceId, spanId: tool, parentSpanId: root },
        ),
        fileOperation('edit', `--- a\n+++ b\n@@ -1 +1 @@\n-old\n+${line}\n`),
        fileOperation('rename', `--- a\n+++ b\n@@ -1 +1 @@\n-old\n+${line}\n`),
      ],
      resource,
    ),
  )
  await post(
    receiver,
    'logs',
    logsRequest(
      [
        log(
          {
            'turnlog.decision.type': 'revert',
            'turnlog.decision.reason': line,
            'turnlog.decision.source': 'user',
            'turnlog.decision.outcome': 'restored_with_later_edits',
            'turnlog.file_operation.id': operationId,
          },
          { traceId, spanId: file, eventName: 'turnlog.change.decision' },
        ),
        log(
          { 'exception.type': word, 'exception.message': line, 'exception.stacktrace': line },
          { traceId, eventName: 'exception' },
        ),
        log(
          {
            'turnlog.self_check.bound': [word, word],
            'turnlog.self_check.not_bound': JSON.stringify({ [word]: word }),
            'turnlog.self_check.versions': JSON.stringify({ [word]: word }),
          },
          { eventName: 'session.start' },
        ),
        log(
          {
            'turnlog.unseen.reason': 'model_traffic',
            'turnlog.unseen.why': word,
            'turnlog.unseen.count': 1_234_567,
            'server.address': word,
            'server.port': 65_535,
            'url.template': `/${word}`,
          },
          { eventName: 'turnlog.unseen' },
        ),
      ],
      resource,
    ),
  )
}

async function openSignedIn(width: number): Promise<Page> {
  const link = await createSignInLink(database, { baseUrl: receiver.url })
  return browser.open(link, { viewport: { width, height: 800 } })
}

async function widths(page: Page): Promise<{ scrollWidth: number; clientWidth: number }> {
  return page.evaluate(() => {
    for (const fold of document.querySelectorAll('details')) fold.open = true
    const { scrollWidth, clientWidth } = document.documentElement
    return { scrollWidth, clientWidth }
  })
}

test.each([360, 1280])('no page is wider than a window of %i pixels', async (width) => {
  const page = await openSignedIn(width)
  const tooWide: [string, number][] = []
  for (const path of ['/', `/?session=${word}`, '/sessions', `/turns/${traceId}`, '/turns/none']) {
    await page.goto(`${receiver.url}${path}`)
    const { scrollWidth, clientWidth } = await widths(page)
    expect(clientWidth).toBe(width)
    if (scrollWidth > clientWidth) tooWide.push([path, scrollWidth])
  }
  expect(tooWide).toEqual([])
})

test('a diff scrolls in its own box, its long line whole', async () => {
  const page = await openSignedIn(1280)
  await page.goto(`${receiver.url}/turns/${traceId}`)
  const diff = page.locator('.diff').first()
  const [inside, outside] = await diff.evaluate((box) => [box.scrollWidth, box.clientWidth])
  expect(inside).toBeGreaterThan(5_000)
  expect(outside).toBeLessThan(1_280)
  expect(await diff.locator('.added').innerText()).toContain(line)
})

test.each(['/', '/sessions'])('%s fits for who is not signed in', async (path) => {
  const page = await browser.open(`${receiver.url}${path}`, {
    viewport: { width: 360, height: 800 },
  })
  const { scrollWidth, clientWidth } = await widths(page)
  expect([scrollWidth <= clientWidth, scrollWidth]).toEqual([true, scrollWidth])
})

test('the numbers of a recorder are all in sight on a narrow window, each with its name', async () => {
  const page = await openSignedIn(360)
  await page.goto(`${receiver.url}/sessions`)
  const cells = page.locator('.completeness').first().locator('td')
  const names = await cells.evaluateAll((all) =>
    all.map((cell) => getComputedStyle(cell, '::before').content),
  )
  expect(names).toEqual(
    ['recorded', 'landed', 'rejected', 'dropped', 'missing', 'unseen'].map((name) => `"${name}"`),
  )
  const boxes = await Promise.all((await cells.all()).map((cell) => cell.boundingBox()))
  for (const box of boxes) {
    expect(box?.x).toBeGreaterThanOrEqual(0)
    expect((box?.x ?? 0) + (box?.width ?? 0)).toBeLessThanOrEqual(360)
  }
})

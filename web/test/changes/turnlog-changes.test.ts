/** The panel in a real browser, by clicking and by keyboard, against a stand-in of the Changes routes. */

import type { Page } from 'playwright-core'
import { describe, expect, test } from 'vitest'
import { useBrowser } from '../../../test/support/browser.ts'
import { type ServedChange, startChangesServer } from '../support/changes-server.ts'

const browser = useBrowser()

const diff = '--- hello.txt\n+++ hello.txt\n@@ -1 +1,2 @@\n Hello\n+World\n'

function change(partial: Partial<ServedChange> = {}): ServedChange {
  return {
    opId: '11111111-1111-4111-8111-111111111111',
    path: 'hello.txt',
    opType: 'edit',
    startedAt: new Date().toISOString(),
    linesAdded: 1,
    linesRemoved: 0,
    binary: false,
    diff,
    traceId: 'a'.repeat(32),
    sessionId: 'a-session',
    toolName: 'edit_file',
    ...partial,
  }
}

async function openPanel(changes: readonly ServedChange[], markup?: string) {
  const server = await startChangesServer(markup)
  server.state.changes = [...changes]
  const page = await browser.open(server.url)
  return { server, state: server.state, page }
}

const button = (page: Page, name: string) => page.getByRole('button', { name, exact: true })
const rows = (page: Page) => page.getByRole('list', { name: /Changes/ }).getByRole('listitem')

test('it says so when there is nothing, and shows a change soon after it was made', async () => {
  const { state, page } = await openPanel([])
  await page.getByText('No changes yet.').waitFor()
  state.changes = [change()]
  await rows(page).filter({ hasText: 'hello.txt' }).waitFor()
  expect(await page.getByText('No changes yet.').isVisible()).toBe(false)
  expect(await page.getByText('1 to review').isVisible()).toBe(true)
})

test('a change has its path, kind and counts; unknown counts are not shown as 0', async () => {
  const { page } = await openPanel([
    change({ opId: 'c', path: 'b/new.txt', opType: 'create', linesAdded: 12, linesRemoved: 0 }),
    change({ opId: 'r', path: 'to.txt', previousPath: 'from.txt', opType: 'rename' }),
    change({
      opId: 'd',
      path: 'image.png',
      opType: 'delete',
      linesAdded: null,
      linesRemoved: null,
    }),
  ])
  await rows(page).nth(2).waitFor()
  const summaries = await page.locator('.summary').allInnerTexts()
  expect(summaries.map((text) => text.replace(/\s+/g, ' ').trim())).toEqual([
    'Created b/new.txt +12 −0',
    'Renamed from.txt → to.txt +1 −0',
    'Deleted image.png',
  ])
})

test('a click opens the diff and another closes it', async () => {
  const { page } = await openPanel([change()])
  const summary = page.getByRole('button', { name: /hello\.txt/ })
  await summary.click()
  const region = page.getByRole('region', { name: 'Diff of hello.txt' })
  expect(await region.locator('.added .text').allInnerTexts()).toEqual(['World'])
  expect(await region.locator('.same .text').allInnerTexts()).toEqual(['Hello'])
  expect(await summary.getAttribute('aria-expanded')).toBe('true')
  await summary.click()
  expect(await region.isVisible()).toBe(false)
})

test('a diff that the list leaves out is fetched when it is opened', async () => {
  const { state, page } = await openPanel([change({ diff: undefined, opId: 'one' })])
  state.details.set('one', { diff })
  await page.getByRole('button', { name: /hello\.txt/ }).click()
  await page.getByText('World').waitFor()
  expect(state.asked).toContain('one')
})

test('what has no diff says why', async () => {
  const { state, page } = await openPanel([
    change({ opId: 'b', path: 'binary', binary: true, diff: undefined }),
    change({ opId: 'l', path: 'large', diff: undefined }),
    change({ opId: 'n', path: 'nothing', diff: undefined }),
  ])
  state.details.set('l', { diffOmitted: 'too_large' })
  for (const name of ['binary', 'large', 'nothing']) {
    await page.getByRole('button', { name: new RegExp(name) }).click()
  }
  await page.getByText('Not text, so there is no diff.').waitFor()
  await page.getByText('The diff is too large to be shown.').waitFor()
  await page.getByText('There is no diff of this.').waitFor()
})

test('a diff of 100 000 lines opens at once, in parts; one huge line is shown in part', async () => {
  const long = `--- a\n+++ a\n@@ -0,0 +1,100000 @@\n${'+line\n'.repeat(100_000)}`
  const wide = `--- a\n+++ a\n@@ -0,0 +1 @@\n+${'x'.repeat(1_000_000)}\n`
  const { page } = await openPanel([
    change({ opId: 'l', path: 'long', diff: long }),
    change({ opId: 'w', path: 'wide', diff: wide }),
  ])
  await page.getByRole('button', { name: /long/ }).click()
  const region = page.getByRole('region', { name: 'Diff of long' })
  expect(await region.locator('.line').count()).toBe(500)
  await button(page, 'Show more (99501 of 100001 lines left)').click()
  expect(await region.locator('.line').count()).toBe(1_000)
  await page.getByRole('button', { name: /wide/ }).click()
  await page.getByText('… 998000 more characters').waitFor()
})

test.each([
  ['Accept', 'accept', 'Accepted', ['Reject', 'Revert'], 'kept'],
  ['Reject', 'reject', 'Rejected', ['Accept', 'Revert'], 'kept'],
  ['Revert', 'revert', 'Reverted', [], 'restored'],
])('%s is sent as JSON, shown, announced and told to the page', async (...expected) => {
  const [name, type, label, choices, outcome] = expected
  const { state, page } = await openPanel([change({ opId: 'one' })])
  const told = page.evaluate(
    () =>
      new Promise((resolve) => {
        document.addEventListener('turnlog-decision', (event) => {
          resolve(event instanceof CustomEvent ? event.detail : undefined)
        })
      }),
  )
  await button(page, name).click()
  await page.locator('.state', { hasText: label }).waitFor()
  expect(state.asked).toContain(`${type} one`)
  expect(state.bodies).toEqual([{}])
  expect(await page.locator('.choice').allInnerTexts()).toEqual(choices)
  expect(await told).toEqual({ opId: 'one', path: 'hello.txt', type, outcome })
  expect(await page.locator('.spoken').textContent()).toBe(`${label}: hello.txt.`)
  expect(await page.getByText('to review').isVisible()).toBe(false)
})

test('the last decision of several is shown, and the file that is back needs none', async () => {
  const { page } = await openPanel([change()])
  await button(page, 'Accept').click()
  await page.locator('.state', { hasText: 'Accepted' }).waitFor()
  await button(page, 'Reject').click()
  await page.locator('.state', { hasText: 'Rejected' }).waitFor()
  await button(page, 'Revert').click()
  await page.locator('.state', { hasText: 'Reverted' }).waitFor()
  expect(await page.locator('.choice').count()).toBe(0)
})

describe('a revert that is refused', () => {
  test('says that the file was changed since and what differs, and leaves all choices', async () => {
    const { state, page } = await openPanel([change()])
    state.answerDecision = {
      status: 409,
      body: {
        error: { code: 'TL_CHANGE_CONFLICT', message: 'It was changed since.' },
        outcome: 'conflict',
        expected: `sha256:${'a'.repeat(64)}`,
        onDisk: `sha256:${'b'.repeat(64)}`,
      },
    }
    await button(page, 'Revert').click()
    const alert = page.getByRole('alert')
    await alert.waitFor()
    expect(await alert.textContent()).toBe(
      'hello.txt was left as it is. It was changed since. Expected content aaaaaaaaaaaa, found content bbbbbbbbbbbb.',
    )
    expect(await page.locator('.choice').allInnerTexts()).toEqual(['Accept', 'Reject', 'Revert'])

    state.answerDecision = undefined
    await button(page, 'Revert').click()
    await page.locator('.state', { hasText: 'Reverted' }).waitFor()
    expect(await alert.isVisible()).toBe(false)
  })

  test.each([
    [409, { error: { message: 'It is gone.' }, outcome: 'missing' }, /^hello\.txt: It is gone\.$/],
    [404, { error: { code: 'x', message: 'y' } }, /no longer known/],
    [403, { error: { code: 'x', message: 'Another site.' } }, /Another site\./],
    [500, {}, /refused \(http_500\)/],
  ])('by %i says why', async (status, body, words) => {
    const { state, page } = await openPanel([change()])
    state.answerDecision = { status, body }
    await button(page, 'Revert').click()
    await page.getByRole('alert').waitFor()
    expect(await page.getByRole('alert').textContent()).toMatch(words)
  })
})

test('an app that is gone is said to be, and the list stays', async () => {
  const { server, page } = await openPanel([change()])
  await rows(page).first().waitFor()
  await server.close()
  await page.getByText('The app does not answer. Trying again.').waitFor()
  expect(await rows(page).count()).toBe(1)
  await button(page, 'Accept').click()
  await page.getByText('The app does not answer. Nothing was decided.').waitFor()
})

test('an answer that is not the routes’ is a clear word, and healed by the next good one', async () => {
  const { state, page } = await openPanel([])
  const notServed = '/api/changes is not served. Register its routes in the app’s backend:'
  state.answerRecent = { status: 404, body: { message: 'Route not found' } }
  await page.getByText(notServed).waitFor()
  state.answerRecent = undefined
  await page.getByText('No changes yet.').waitFor()
  // An app that answers any address with its page.
  state.answerRecent = { status: 200, body: '<!doctype html>' }
  await page.getByText(notServed).waitFor()
  state.answerRecent = { status: 200, body: { hello: 'there' } }
  await page.getByText('The answer does not come from the Changes routes.').waitFor()
  state.answerRecent = undefined
  await page.getByText('No changes yet.').waitFor()
})

test('names and contents are text: no markup, no escapes, no hidden controls', async () => {
  const evil = '<img src=x onerror="document.title=1"><script>document.title=1</script>'
  const { page } = await openPanel([
    change({
      path: `${evil}\u202etxt.exe`,
      toolName: evil,
      diff: `--- a\n+++ a\n@@ -0,0 +1,3 @@\n+${evil}\n+\u001b[31mred\u001b]0;title\u0007\n+if (admin\u2066 // \u2069) {\n`,
    }),
  ])
  await page.locator('.summary').click()
  const lines = await page.locator('.added .text').allInnerTexts()
  expect(lines).toEqual([evil, '␛[31mred␛]0;title␇', 'if (adminU+2066 // U+2069) {'])
  expect(await page.locator('.path').textContent()).toBe(`${evil}U+202Etxt.exe`)
  expect(await page.title()).toBe('Changes')
  expect(await page.locator('turnlog-changes img, turnlog-changes script').count()).toBe(0)
})

test('it can be used with the keyboard alone', async () => {
  const { state, page } = await openPanel([
    change({ opId: 'one', path: 'one.txt' }),
    change({ opId: 'two', path: 'two.txt' }),
  ])
  await rows(page).nth(1).waitFor()
  await page.keyboard.press('Tab')
  await page.keyboard.press('ArrowDown')
  await page.keyboard.press('Enter')
  await page.getByRole('region', { name: 'Diff of two.txt' }).waitFor()
  await page.keyboard.press('Tab')
  await page.keyboard.press('Enter')
  await page.locator('.state', { hasText: 'Accepted' }).waitFor()
  expect(state.asked).toContain('accept two')
  // The pressed button is gone; the focus is still on this change.
  await page.keyboard.press('ArrowUp')
  await page.keyboard.press(' ')
  await page.getByRole('region', { name: 'Diff of one.txt' }).waitFor()
})

test('a poll disturbs nothing: what is open stays open, what has the focus keeps it', async () => {
  const { state, page } = await openPanel([change({ opId: 'old', path: 'old.txt' })])
  const summary = page.getByRole('button', { name: /old\.txt/ })
  await summary.click()
  state.changes = [change({ opId: 'new', path: 'new.txt' }), ...state.changes]
  await page.getByRole('button', { name: /new\.txt/ }).waitFor()
  expect(await page.locator('.path').allInnerTexts()).toEqual(['new.txt', 'old.txt'])
  expect(await page.getByRole('region', { name: 'Diff of old.txt' }).isVisible()).toBe(true)
  expect(await summary.evaluate((element) => element.matches(':focus'))).toBe(true)
})

test('it stops asking when it is removed, and begins again when it is put back', async () => {
  const { state, page } = await openPanel([change()])
  await rows(page).first().waitFor()
  await page.evaluate(() => {
    const panel = document.querySelector('turnlog-changes')
    panel?.remove()
    Object.assign(window, { panel })
  })
  // A request may be under way; after it there must be silence for several polls.
  await page.waitForTimeout(100)
  const asked = state.asked.length
  await page.waitForTimeout(600)
  expect(state.asked.length).toBe(asked)
  state.changes = [change({ path: 'later.txt', opId: 'later' })]
  await page.evaluate(() => document.body.append(Reflect.get(window, 'panel')))
  await page.getByText('later.txt').waitFor()
})

test('it pauses while the page is hidden, and looks at once when it is seen again', async () => {
  const { state, page } = await openPanel([], '<turnlog-changes poll="0.2"></turnlog-changes>')
  await page.getByText('No changes yet.').waitFor()
  const setHidden = (isHidden: boolean) =>
    page.evaluate((hidden) => {
      Object.defineProperty(document, 'hidden', { value: hidden, configurable: true })
      document.dispatchEvent(new Event('visibilitychange'))
    }, isHidden)
  await setHidden(true)
  await page.waitForTimeout(100)
  const asked = state.asked.length
  await page.waitForTimeout(600)
  expect(state.asked.length).toBe(asked)
  state.changes = [change()]
  await setHidden(false)
  await rows(page).first().waitFor()
})

test('endpoint and poll are attributes; poll 0 looks once and after each decision', async () => {
  const { state, page } = await openPanel(
    [change()],
    '<turnlog-changes endpoint="/api/changes/" poll="0"></turnlog-changes>',
  )
  await rows(page).first().waitFor()
  await page.waitForTimeout(300)
  expect(state.asked).toEqual(['recent'])
  await button(page, 'Accept').click()
  await page.locator('.state', { hasText: 'Accepted' }).waitFor()
  await expect.poll(() => state.asked.filter((what) => what === 'recent').length).toBe(2)
  await page.evaluate(() => {
    document.querySelector('turnlog-changes')?.setAttribute('endpoint', '/elsewhere')
  })
  await page.getByText('/elsewhere is not served.').waitFor()
})

test('more changes than a page can bear are counted', async () => {
  const many = Array.from({ length: 230 }, (_, at) =>
    change({ opId: `op-${at}`, path: `${at}.txt` }),
  )
  const { page } = await openPanel(many)
  await page.getByText('30 older ones are not shown.').waitFor()
  expect(await rows(page).count()).toBe(200)
})

describe('the layout', () => {
  test('of the host’s page stays as it is, however long the list: it scrolls where the host lets it', async () => {
    const many = Array.from({ length: 100 }, (_, at) => change({ opId: `op-${at}` }))
    const { page } = await openPanel(many, '<aside><turnlog-changes></turnlog-changes></aside>')
    await page.evaluate(() => {
      const place = document.querySelector('aside')
      Object.assign(place?.style ?? {}, { height: '50vh', overflow: 'auto', padding: '1rem' })
    })
    await rows(page).nth(99).waitFor()
    const size = await page.evaluate(() => {
      const { scrollWidth, clientWidth, scrollHeight, clientHeight } = document.documentElement
      return { scrollWidth, clientWidth, scrollHeight, clientHeight }
    })
    expect([size.scrollWidth, size.scrollHeight]).toEqual([size.clientWidth, size.clientHeight])
  })

  test.each([360, 1280])('holds long names and lines at %i pixels', async (width) => {
    const word = 'unbreakable'.repeat(30)
    const { page } = await openPanel([
      change({ path: `${word}.txt`, linesAdded: 1_234_567, linesRemoved: 1_234_567 }),
      change({ opId: 'r', opType: 'rename', path: word, previousPath: `from-${word}` }),
      change({ opId: 'o', path: 'x', diff: `@@ -0,0 +1 @@\n+${word.repeat(5)}\n` }),
    ])
    await page.setViewportSize({ width, height: 800 })
    await rows(page).nth(2).waitFor()
    for (const summary of await page.locator('.summary').all()) await summary.click()
    const [scrollWidth, clientWidth] = await page.evaluate(() => [
      document.documentElement.scrollWidth,
      document.documentElement.clientWidth,
    ])
    expect(scrollWidth).toBeLessThanOrEqual(clientWidth ?? 0)
    // Nothing is cut off at the edge of its row either.
    for (const row of await rows(page).all()) {
      expect(await row.evaluate((box) => box.scrollWidth <= box.clientWidth)).toBe(true)
    }
  })
})

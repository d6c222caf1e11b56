/** The chat page in a real browser. */

import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { expect, test } from 'vitest'
import { useBrowser } from '../../test/support/browser.ts'
import { startApp, startModel } from './support/app.ts'

const browser = useBrowser()

async function openPage(pieceDelayMs = 0) {
  const app = await startApp({ modelUrl: await startModel({ pieceDelayMs }) })
  return { app, page: await browser.open(app.url) }
}

async function say(page: Page, text: string): Promise<void> {
  await page.getByRole('textbox', { name: 'Message' }).fill(text)
  await page.keyboard.press('Enter')
}

const answer = (page: Page) => page.locator('.agent').last()

test('a typed message is answered, the tools are shown, and the file exists', async () => {
  const { app, page } = await openPage()
  await page.getByText('What shall we change?').waitFor()
  expect(await page.locator('#about').textContent()).toContain(app.workspace)
  await say(page, 'add a greeting to hello.txt')
  await answer(page).getByText('Done. I added').waitFor()
  expect(await page.locator('.user').allTextContents()).toEqual(['add a greeting to hello.txt'])
  expect(await page.locator('.tools li').allTextContents()).toEqual([
    'Read hello.txt',
    'Write hello.txt',
  ])
  expect(await page.locator('.tools li').first().getAttribute('class')).toBe('failed')
  expect(readFileSync(join(app.workspace, 'hello.txt'), 'utf8')).toBe('Hello, world!\n')
  expect(await page.getByText('What shall we change?').isVisible()).toBe(false)
  expect(await page.getByText('No changes yet.').isVisible()).toBe(true)
})

test('an answer is shown while it streams, and can be stopped', async () => {
  const { page } = await openPage(20)
  await say(page, 'count to 2000')
  await expect.poll(() => answer(page).textContent()).toMatch(/^1 2 3 4/)
  expect(await page.getByRole('button', { name: 'Send' }).isVisible()).toBe(false)
  await page.getByRole('button', { name: 'Stop' }).click()
  await answer(page).getByText('Stopped.').waitFor()
  const text = await answer(page).textContent()
  expect(text).not.toContain('2000')
  await say(page, 'count to 3')
  await expect.poll(() => answer(page).textContent()).toBe('1 2 3')
})

test('a click on a suggestion sends it, and a new chat begins empty', async () => {
  const { page } = await openPage()
  await page.getByRole('button', { name: 'list files' }).click()
  await answer(page).getByText('The folder is empty.').waitFor()
  await page.getByRole('button', { name: 'New chat' }).click()
  await page.getByText('What shall we change?').waitFor()
  expect(await page.locator('.said').count()).toBe(0)
})

test('messages are shown as text, never as markup', async () => {
  const { app, page } = await openPage()
  const evil = '<img src=x onerror="document.title=1">'
  await say(page, `create a.html with ${evil}, then read a.html`)
  await answer(page).getByText('This is a.html').waitFor()
  expect(await answer(page).textContent()).toContain(evil)
  expect(await page.locator('main img').count()).toBe(0)
  expect(await page.title()).toBe('Workspace agent')
  expect(existsSync(join(app.workspace, 'a.html'))).toBe(true)
})

test('a lost connection to the app is shown', async () => {
  const { app, page } = await openPage()
  await page.getByText('No changes yet.').waitFor()
  await app.close()
  await say(page, 'hello')
  await answer(page).getByText('The app does not answer.').waitFor()
})

test('it fits a phone: nothing is wider than the screen', async () => {
  const { app } = await openPage()
  const page = await browser.open(app.url, { viewport: { width: 360, height: 640 } })
  await say(page, `create ${'long'.repeat(40)}.txt with ${'x'.repeat(300)}`)
  await answer(page).getByText('Done.').waitFor()
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(360)
  expect(await page.getByRole('heading', { name: 'Changes' }).isVisible()).toBe(true)
})

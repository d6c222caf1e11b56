/** The Changes panel in the real page, with the real preload: what users see and click. */

import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { useBrowser } from '../../test/support/browser.ts'
import { temporaryDirectory } from './support/directory.ts'
import { eventually } from './support/patience.ts'
import { startProcess } from './support/process.ts'

const browser = useBrowser()
const preload = import.meta.resolve('@turnlog/instrumentation/register')

async function openChat(workspace?: string) {
  const directory = workspace ?? join(await temporaryDirectory(), 'workspace')
  mkdirSync(directory, { recursive: true })
  const environment = {
    EXAMPLE_WORKSPACE: directory,
    TELEMETRY_WORKSPACE: directory,
    TELEMETRY_SPOOL_DIRECTORY: join(directory, '../spool'),
  }
  const app = await startProcess(environment, { preloads: [preload] })
  const page = await browser.open(await app.url())
  return {
    app,
    page,
    workspace: directory,
    file: (name: string) => join(directory, name),
    async say(text: string): Promise<void> {
      await page.getByRole('textbox', { name: 'Message' }).fill(text)
      await page.keyboard.press('Enter')
      // While an answer streams, the page accepts no further message.
      await page.locator('.agent.waiting').waitFor({ state: 'detached' })
      expect(await page.locator('.agent').last().textContent()).toContain('Done.')
    },
    row: (text: string) =>
      page.locator('turnlog-changes').getByRole('listitem').filter({ hasText: text }).first(),
  }
}

test('a change appears, and Revert restores the file', async () => {
  const { app, page, file, say, row } = await openChat()
  writeFileSync(file('hello.txt'), 'Dear reader,\n')
  await say('add a greeting to hello.txt')
  expect(readFileSync(file('hello.txt'), 'utf8')).toBe('Dear reader,\nHello, world!\n')

  const change = row('Editedhello.txt+1−0')
  await change.getByRole('button', { name: /hello\.txt/ }).click()
  expect(await change.locator('.added .text').allTextContents()).toEqual(['Hello, world!'])
  await change.getByRole('button', { name: 'Revert' }).click()
  await change.locator('.state', { hasText: 'Reverted' }).waitFor()
  expect(readFileSync(file('hello.txt'), 'utf8')).toBe('Dear reader,\n')

  await say('create new/file.txt with something')
  await row('new/file.txt').getByRole('button', { name: 'Revert' }).click()
  await row('new/file.txt').locator('.state', { hasText: 'Reverted' }).waitFor()
  expect(existsSync(file('new/file.txt'))).toBe(false)
  expect(await page.getByText('to review').isVisible()).toBe(false)
  expect(app.output.stderr).toBe('')
})

test('a file with later changes is not reverted, and the panel says why', async () => {
  const { file, say, row } = await openChat()
  await say('create a.txt with one')
  writeFileSync(file('a.txt'), 'mine\n')
  await row('a.txt').getByRole('button', { name: 'Revert' }).click()
  await row('a.txt')
    .getByText(/a\.txt was left as it is\..*Expected content/)
    .waitFor()
  expect(readFileSync(file('a.txt'), 'utf8')).toBe('mine\n')
})

test('changes and decisions are there after a restart', async () => {
  const first = await openChat()
  await first.say('create a.txt with one')
  await first.say('create b.txt with two')
  await first.row('a.txt').getByRole('button', { name: 'Accept' }).click()
  await first.row('a.txt').locator('.state', { hasText: 'Accepted' }).waitFor()
  first.app.child.kill('SIGKILL')
  await first.app.closed

  const second = await openChat(first.workspace)
  await second.row('a.txt').locator('.state', { hasText: 'Accepted' }).waitFor()
  await second.row('b.txt').getByRole('button', { name: 'Revert' }).click()
  await eventually(() => !existsSync(second.file('b.txt')))
})

/**
 * `npm run screenshots`: starts everything in a temporary data folder, has one conversation in a browser, and writes the
 * README's pictures.
 */
import { spawn } from 'node:child_process'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import * as path from 'node:path'
import { createInterface } from 'node:readline'
import { launchChromium } from '../test/support/chromium.ts'
import { removeDataFolder } from '../test/support/remove-data-folder.ts'

const root = path.resolve(import.meta.dirname, '..')
const images = path.join(import.meta.dirname, 'images')
const data = mkdtempSync(path.join(tmpdir(), 'turnlog-screenshots-'))
const started = spawn(process.execPath, ['start/main.ts'], {
  cwd: root,
  env: { ...process.env, TURNLOG_DATA: data, TURNLOG_RECEIVER_PORT: '4398', EXAMPLE_PORT: '4399' },
  stdio: ['ignore', 'pipe', 'inherit'],
})
const ended = new Promise((resolve) => started.once('exit', resolve))
try {
  const { chat, receiver } = await addresses()
  const browser = await launchChromium()
  const page = await browser.newPage({
    viewport: { width: 1180, height: 640 },
    deviceScaleFactor: 1.5,
    colorScheme: 'light',
  })
  await page.goto(chat)
  const box = page.getByRole('textbox').first()
  for (const message of ['add a greeting to hello.txt', 'create notes/today.md with "Buy milk"']) {
    await box.fill(message)
    await box.press('Enter')
    await page.locator('#stop').waitFor()
    await page.locator('#send').waitFor()
  }
  await page.getByText('2 to review').waitFor()
  await page.getByText('hello.txt', { exact: true }).last().click()
  await page
    .getByText('+Hello')
    .or(page.getByText('Hello, world!', { exact: true }))
    .first()
    .waitFor()
  await page.screenshot({ path: path.join(images, 'chat.png') })
  await page.goto(receiver)
  await page.getByText('add a greeting to hello.txt').first().waitFor({ timeout: 10_000 })
  await page.getByText('add a greeting to hello.txt').first().click()
  await page.waitForURL(/turns\//)
  await page.screenshot({ path: path.join(images, 'turn.png'), fullPage: true })
  await browser.close()
} finally {
  started.kill('SIGINT')
  await ended
  await removeDataFolder(data)
}

async function addresses(): Promise<{ chat: string; receiver: string }> {
  let receiver: string | undefined
  let chat: string | undefined
  for await (const line of createInterface({ input: started.stdout })) {
    receiver = /^Receiver +(http\S+)/.exec(line)?.[1] ?? receiver
    chat = /^Chat +(http\S+)/.exec(line)?.[1] ?? chat
    if (receiver !== undefined && chat !== undefined) break
  }
  started.stdout.resume()
  if (receiver === undefined || chat === undefined)
    throw new Error('npm start printed no addresses.')
  return { chat, receiver }
}

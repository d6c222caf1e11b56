/** A browser for the tests of one file. */
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, onTestFinished, vi } from 'vitest'
import { launchChromium } from './chromium.ts'

const startWithinMs = 60_000
/** Generous: other browsers and databases may be starting beside this one. */
const actWithinMs = 15_000

/** A browser for all tests of a file; each `open` is a page in a new context, closed after its test. */
export function useBrowser() {
  let browser: Browser | undefined
  vi.setConfig({ testTimeout: actWithinMs * 2, expect: { poll: { timeout: actWithinMs } } })
  beforeAll(async () => {
    browser = await launchChromium()
  }, startWithinMs)
  afterAll(() => browser?.close())

  return {
    /** Fails the test when the page logs an error, breaks its content policy, or throws. */
    async open(url: string, options: BrowserContextOptions = {}): Promise<Page> {
      if (browser === undefined) throw new Error('The browser is not there yet.')
      const context = await browser.newContext(options)
      const page = await context.newPage()
      page.setDefaultTimeout(actWithinMs)
      const errors: string[] = []
      page.on('pageerror', (error) => errors.push(error.message))
      page.on('console', (message) => {
        // The browser also reports failed requests; tests check those themselves.
        const isServers = /Failed to load resource|WebSocket connection to/.test(message.text())
        if (message.type() === 'error' && !isServers) {
          errors.push(message.text())
        }
      })
      onTestFinished(async () => {
        await context.close()
        expect(errors).toEqual([])
      })
      await page.goto(url)
      return page
    },
  }
}

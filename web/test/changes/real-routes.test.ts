/** The panel with the routes it is made for, and the store behind them. */

import { expect, test } from 'vitest'
import { bench } from '../../../instrumentation/test/changes/support.ts'
import { useBrowser } from '../../../test/support/browser.ts'
import { servePage } from '../support/changes-server.ts'

const browser = useBrowser()

test('of more changes than it lists, the panel counts all that are to review', async () => {
  const { app, operated, decide } = await bench()
  servePage(app, '<turnlog-changes poll="0.2"></turnlog-changes>')
  const changes = Array.from({ length: 218 }, (_, at) =>
    operated({
      opType: 'create',
      path: `${at}.txt`,
      after: 'x',
      fields: { startedAt: new Date(Date.now() - 300_000 + at * 1000).toISOString() },
    }),
  )
  const page = await browser.open(await app.listen({ port: 0, host: '127.0.0.1' }))
  await page.getByText('218 to review').waitFor()
  await page.getByText('18 older ones are not shown.').waitFor()
  expect(await page.locator('.change').count()).toBe(200)

  for (const older of changes.slice(0, 3)) await decide(older, 'accept')
  await page.getByText('215 to review').waitFor()
  await page.getByRole('button', { name: 'Accept', exact: true }).first().click()
  await page.getByText('214 to review').waitFor()
})

import { expect, vi } from 'vitest'

/** For what has to start, or to end: generous, since databases and browsers may be starting beside it. */
export const patience = { timeout: 15_000 }

vi.setConfig({ testTimeout: patience.timeout * 2 })

/** Waits until it is so. */
export async function eventually(claim: () => boolean): Promise<void> {
  await expect.poll(claim, patience).toBe(true)
}

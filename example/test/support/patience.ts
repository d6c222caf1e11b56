import { expect, vi } from 'vitest'

/** The time limit for a start or an end. It is generous, since databases and browsers may be starting at the same time. */
export const patience = { timeout: 15_000 }

vi.setConfig({ testTimeout: patience.timeout * 2 })

/** Waits until the condition is true. */
export async function eventually(claim: () => boolean): Promise<void> {
  await expect.poll(claim, patience).toBe(true)
}

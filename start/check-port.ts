import { describePortHolder, probePort, TurnlogError } from '@turnlog/receiver/embedded-postgres'

/** Fails with `TL_PORT_TAKEN` in one line: who has the port, and which setting chooses another. */
export async function checkPort(setting: string, port: number): Promise<void> {
  const state = await probePort(port)
  if (state === 'free') return
  const why =
    state === 'taken'
      ? `is taken by ${describePortHolder(port) ?? 'another process'}`
      : 'is not for ordinary users'
  throw new TurnlogError(
    'TL_PORT_TAKEN',
    `Port ${port} (${setting}) ${why}: set ${setting} to a free one.`,
  )
}

import { once } from 'node:events'
import { expect, onTestFinished } from 'vitest'
import { type ClientOptions, WebSocket } from 'ws'
import { patience } from './patience.ts'

export interface Frame {
  readonly type: string
  readonly id?: string
  readonly text?: string
  readonly message?: string
  readonly conversation_id?: string
  readonly name?: string
  readonly subject?: string
  readonly state?: string
}

/** A client of `/ws/chat` that stores every received frame. */
export async function openSocket(url: string, options: ClientOptions = {}) {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/ws/chat`, options)
  const frames: Frame[] = []
  let closeCode: number | undefined
  socket.on('message', (data) => frames.push(JSON.parse(data.toString())))
  socket.on('close', (code) => {
    closeCode = code
  })
  onTestFinished(() => socket.terminate())
  await once(socket, 'open')
  return {
    frames,
    close: () => socket.close(),
    closeCode: () => closeCode,
    sendRaw: (data: string | Buffer) => socket.send(data),
    send: (frame: Readonly<Record<string, unknown>>) =>
      socket.send(JSON.stringify({ type: 'message', ...frame })),
    /** All frames, once so many turns have ended. */
    async ended(turns = 1): Promise<readonly Frame[]> {
      const ends = () => frames.filter(({ type }) => type === 'done' || type === 'error').length
      await expect.poll(ends, patience).toBe(turns)
      return frames
    },
  }
}

export function textOf(frames: readonly Frame[]): string {
  return frames.map(({ type, text }) => (type === 'delta' ? text : '')).join('')
}

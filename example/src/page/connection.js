/** One WebSocket to the app, opened for the first message, and again after it was lost. */

/**
 * @typedef {object} TurnEvents
 * @property {(text: string) => void} onText
 * @property {(tool: { name: string, subject: string, state: string }) => void} onTool
 * @property {(conversationId: string) => void} onDone
 * @property {(message: string) => void} onError also called when the connection is lost, or closed by `stop`
 */

/** @param {string} url */
export function createConnection(url) {
  /** @type {WebSocket | undefined} */
  let socket
  /** @type {Map<string, TurnEvents>} */
  const turns = new Map()
  let turnsSent = 0

  /** @returns {Promise<WebSocket>} */
  function open() {
    const current = socket === undefined || socket.readyState > WebSocket.OPEN ? connect() : socket
    if (current.readyState === WebSocket.OPEN) return Promise.resolve(current)
    return new Promise((resolve, reject) => {
      current.addEventListener('open', () => resolve(current), { once: true })
      current.addEventListener('close', () => reject(new Error('closed')), { once: true })
    })
  }

  function connect() {
    const made = new WebSocket(url)
    let problem = 'The app does not answer.'
    made.addEventListener('open', () => {
      problem = 'The connection was lost.'
    })
    made.addEventListener('message', (event) => receive(JSON.parse(event.data)))
    made.addEventListener('close', () => {
      if (socket === made) fail(problem)
    })
    socket = made
    return made
  }

  /** @param {Record<string, string>} frame */
  function receive({ type, id = '', text = '', message = '', conversation_id = '', ...tool }) {
    const turn = turns.get(id)
    if (type === 'delta') turn?.onText(text)
    if (type === 'tool') {
      turn?.onTool({ name: tool.name ?? '', subject: tool.subject ?? '', state: tool.state ?? '' })
    }
    if (type === 'done' || type === 'error') turns.delete(id)
    if (type === 'done') turn?.onDone(conversation_id)
    if (type === 'error') turn?.onError(message)
  }

  /** @param {string} message */
  function fail(message) {
    const lost = [...turns.values()]
    turns.clear()
    for (const turn of lost) turn.onError(message)
  }

  return {
    /**
     * @param {string} text
     * @param {string | undefined} conversationId
     * @param {TurnEvents} events
     */
    async say(text, conversationId, events) {
      turnsSent += 1
      const id = String(turnsSent)
      turns.set(id, events)
      try {
        const opened = await open()
        const frame = { type: 'message', text, id, tools: true }
        opened.send(JSON.stringify({ ...frame, conversation_id: conversationId }))
      } catch {
        // It closed before it opened; `onError` has been called.
      }
    },

    /** Closing the socket makes the app stop the turn. */
    stop() {
      socket?.close()
      socket = undefined
      fail('Stopped.')
    },
  }
}

/** The chat page: connects composer, transcript and connection. */

import { createConnection } from './connection.js'
import { createTranscript } from './transcript.js'

const suggestions = ['add a greeting to hello.txt', 'list files', 'what can you do?']

/**
 * @template {HTMLElement} Kind
 * @param {string} id
 * @param {new () => Kind} kind
 * @returns {Kind}
 */
function part(id, kind) {
  const element = document.getElementById(id)
  if (element instanceof kind) return element
  throw new Error(`The page has no ${id}.`)
}

const composer = part('composer', HTMLFormElement)
const message = part('message', HTMLTextAreaElement)
const send = part('send', HTMLButtonElement)
const stop = part('stop', HTMLButtonElement)
const welcome = part('welcome', HTMLElement)
const transcript = createTranscript(part('transcript', HTMLElement), part('scroll', HTMLElement))
const connection = createConnection(`${location.origin.replace(/^http/, 'ws')}/ws/chat`)

/** @type {string | undefined} */
let conversationId

/** @param {string} text */
function say(text) {
  welcome.hidden = true
  transcript.addQuestion(text)
  const answer = transcript.addAnswer()
  setAnswering(true)
  void connection.say(text, conversationId, {
    onText: answer.addText,
    onTool: answer.setTool,
    onDone(id) {
      conversationId = id
      answer.end()
      setAnswering(false)
    },
    onError(problem) {
      answer.end(problem)
      setAnswering(false)
    },
  })
}

/** @param {boolean} isAnswering */
function setAnswering(isAnswering) {
  stop.hidden = !isAnswering
  send.hidden = isAnswering
  if (!isAnswering) message.focus()
}

composer.addEventListener('submit', (event) => {
  event.preventDefault()
  const text = message.value.trim()
  if (text === '' || send.hidden) return
  message.value = ''
  say(text)
})
message.addEventListener('keydown', (event) => {
  if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return
  event.preventDefault()
  composer.requestSubmit()
})
stop.addEventListener('click', () => connection.stop())
part('new', HTMLButtonElement).addEventListener('click', () => {
  if (!stop.hidden) connection.stop()
  conversationId = undefined
  transcript.clear()
  welcome.hidden = false
  message.focus()
})

for (const suggestion of suggestions) {
  const button = document.createElement('button')
  button.type = 'button'
  button.className = 'quiet'
  button.textContent = suggestion
  button.addEventListener('click', () => say(suggestion))
  part('suggestions', HTMLElement).append(button)
}

message.focus()

const about = await fetch('/api/about').then((response) => response.json())
part('about', HTMLElement).textContent = about.scripted
  ? `Scripted model · ${about.workspace}`
  : `${about.model} · ${about.workspace}`

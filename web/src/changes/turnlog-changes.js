/**
 * `<turnlog-changes>` lists the app's recent file operations, each with its diff, to accept, reject or revert.
 *
 * Attributes: `endpoint` (default `/api/changes`), and `poll` in seconds (default 2; with 0 it asks once and after each
 * decision). It fires `turnlog-decision` with `{ opId, path, type, outcome }` for each decision that the app answered, also
 * when the app refused it. Colours and sizes follow the page; styles.js lists the custom properties.
 */

import { ChangeView } from './change-view.js'
import { createChangesApi } from './changes-api.js'
import { make } from './dom.js'
import { createPoller } from './poller.js'
import { styles } from './styles.js'
import { toVisible } from './visible-text.js'
import { choicesAfter, openInWords, problemInWords, refusalInWords, stateInWords } from './words.js'

/** @import { Change, DecisionType } from './change.js' */

const endpointDefault = '/api/changes'
const pollSecondsDefault = 2
/** A shorter interval in the attribute is a mistake. */
const pollSecondsMin = 0.2
/** The panel asks for this many and shows no more; older ones are counted. */
const changesShownMax = 200

export class TurnlogChanges extends HTMLElement {
  static observedAttributes = ['endpoint', 'poll']

  #api = createChangesApi(endpointDefault)
  #poller = createPoller({
    pauseMs: () => this.#pollSeconds * 1000,
    work: (signal) => this.#refresh(signal),
  })
  /** @type {readonly Change[]} */
  #changes = []
  /** Changes that the answer counts and does not list. */
  #unlisted = { count: 0, open: 0 }
  /** @type {Map<string, ChangeView>} */
  #views = new Map()

  #open = make('span', { class: 'open' })
  #problem = make('p', { class: 'problem', role: 'status' })
  #list = make('ol', { class: 'list', 'aria-label': 'Changes, newest first' })
  #empty = make('p', { class: 'empty' }, [
    'No changes yet. When the agent creates, edits, renames or deletes a file, it shows up here.',
  ])
  #older = make('p', { class: 'note' })
  #spoken = make('p', { class: 'spoken', role: 'status', 'aria-live': 'polite' })

  constructor() {
    super()
    const root = this.attachShadow({ mode: 'open' })
    root.adoptedStyleSheets = [styles()]
    for (const part of [this.#problem, this.#empty, this.#older]) part.hidden = true
    root.append(
      make('header', { part: 'header' }, [make('h2', {}, ['Changes']), this.#open]),
      this.#problem,
      this.#empty,
      this.#list,
      this.#older,
      this.#spoken,
    )
    this.#list.addEventListener('keydown', (event) => this.#moveFocus(event))
  }

  connectedCallback() {
    this.#poller.start()
  }

  disconnectedCallback() {
    this.#poller.stop()
  }

  /** @param {string} name */
  attributeChangedCallback(name) {
    if (name === 'endpoint') {
      this.#api = createChangesApi(this.#endpoint)
      this.#unlisted = { count: 0, open: 0 }
      this.#show([])
      this.#empty.hidden = true
    }
    this.#poller.now()
  }

  get #endpoint() {
    return this.getAttribute('endpoint') || endpointDefault
  }

  get #pollSeconds() {
    const seconds = Number.parseFloat(this.getAttribute('poll') ?? '')
    if (Number.isNaN(seconds) || seconds < 0) return pollSecondsDefault
    return seconds === 0 ? 0 : Math.max(seconds, pollSecondsMin)
  }

  /**
   * @param {AbortSignal} signal
   * @returns {Promise<boolean>}
   */
  async #refresh(signal) {
    const answer = await this.#api.recent(changesShownMax, signal)
    if (signal.aborted) return true
    if (answer.status !== 'ok') {
      this.#setProblem(problemInWords(answer, this.#endpoint))
      return false
    }
    const { changes, total, undecided } = answer
    const open = countOpen(changes)
    this.#unlisted = { count: total - changes.length, open: (undecided ?? open) - open }
    this.#show(changes)
    this.#setProblem('')
    return true
  }

  /** @param {readonly Change[]} changes newest first */
  #show(changes) {
    this.#changes = changes
    const shown = changes.slice(0, changesShownMax)
    const ids = new Set(shown.map((change) => change.opId))
    for (const [opId, view] of this.#views) {
      if (ids.has(opId)) continue
      view.element.remove()
      this.#views.delete(opId)
    }
    for (const [at, change] of shown.entries()) {
      const view = this.#views.get(change.opId) ?? this.#add(change)
      view.update(change)
      // Moving an element loses its focus and its scroll position, so only a misplaced one is moved.
      const there = this.#list.children[at] ?? null
      if (there !== view.element) this.#list.insertBefore(view.element, there)
    }
    const older = changes.length - shown.length + this.#unlisted.count
    this.#open.textContent = openInWords(countOpen(changes) + this.#unlisted.open)
    this.#empty.hidden = changes.length > 0
    this.#older.hidden = older <= 0
    this.#older.textContent = `${older} older ones are not shown.`
  }

  /** @param {Change} change */
  #add(change) {
    const view = new ChangeView({
      change,
      decide: (current, type) => this.#decide(current, type),
      load: async ({ opId }) => {
        const answer = await this.#api.one(opId, AbortSignal.timeout(10_000))
        return answer.status === 'ok' ? answer.change : undefined
      },
    })
    this.#views.set(change.opId, view)
    return view
  }

  /**
   * @param {Change} change
   * @param {DecisionType} type
   * @returns {Promise<string | undefined>} why it failed, in words
   */
  async #decide(change, type) {
    const answer = await this.#api.decide(change.opId, type)
    if (answer.status === 'ok') {
      const decided = { ...change, decision: answer.decision }
      this.#show(this.#changes.map((other) => (other.opId === change.opId ? decided : other)))
      const state = stateInWords(answer.decision)
      this.#spoken.textContent = `${state?.label ?? 'Decided'}: ${toVisible(change.path)}.`
    }
    const outcome = answer.status === 'ok' ? answer.decision.outcome : undefined
    const refused = answer.status === 'refused' ? answer.outcome : undefined
    if (answer.status !== 'unreachable') {
      const detail = { opId: change.opId, path: change.path, type, outcome: outcome ?? refused }
      this.dispatchEvent(
        new CustomEvent('turnlog-decision', { detail, bubbles: true, composed: true }),
      )
    }
    this.#poller.now()
    return answer.status === 'ok' ? undefined : refusalInWords(answer, change)
  }

  /** @param {string} next empty when there is none */
  #setProblem(next) {
    // Setting the same text again would make screen readers read it at every poll.
    if (this.#problem.textContent !== next) this.#problem.textContent = next
    this.#problem.hidden = next === ''
  }

  /**
   * The keys up, down, home and end move the focus from change to change.
   *
   * @param {KeyboardEvent} event
   */
  #moveFocus(event) {
    const summaries = [...this.#list.querySelectorAll('button')].filter((button) =>
      button.classList.contains('summary'),
    )
    const at = summaries.findIndex((summary) => summary.matches(':focus'))
    if (at === -1) return
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: summaries.length - 1 }[event.key]
    const summary = to === undefined ? undefined : summaries[to]
    if (summary === undefined) return
    event.preventDefault()
    summary.focus()
  }
}

/** @param {readonly Change[]} changes */
function countOpen(changes) {
  return changes.filter(({ decision }) => choicesAfter(decision).length === 3).length
}

if (customElements.get('turnlog-changes') === undefined) {
  customElements.define('turnlog-changes', TurnlogChanges)
}

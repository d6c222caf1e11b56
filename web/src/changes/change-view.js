/** One file operation in the list: its summary, its diff when opened, and the decisions that can be made. */

import { makeDiffView, makeNote } from './diff-view.js'
import { foreign, make } from './dom.js'
import { toVisible } from './visible-text.js'
import {
  ageInWords,
  choicesAfter,
  kindInWords,
  notesInWords,
  stateInWords,
  verbs,
} from './words.js'

/** @import { Change, DecisionType } from './change.js' */

/**
 * @typedef {object} ChangeViewOptions
 * @property {Change} change
 * @property {(change: Change, type: DecisionType) => Promise<string | undefined>} decide resolves to what went wrong
 * @property {(change: Change) => Promise<Change | undefined>} load the change with its diff
 */

let viewsMade = 0

export class ChangeView {
  #change
  #decide
  #load
  #isDeciding = false
  #summary
  #age = make('time', { class: 'age' })
  #state = make('span', { class: 'state' })
  #choices = make('div', { class: 'choices', role: 'group' })
  #message = make('p', { class: 'message', role: 'alert' })
  #detail

  /** @param {ChangeViewOptions} options */
  constructor({ change, decide, load }) {
    this.#change = change
    this.#decide = decide
    this.#load = load
    const detailId = `change-${++viewsMade}`
    this.#summary = make('button', {
      type: 'button',
      class: 'summary',
      'aria-expanded': 'false',
      'aria-controls': detailId,
    })
    this.#detail = make('div', { class: 'detail', id: detailId })
    this.#message.hidden = true
    this.#detail.hidden = true
    this.element = make('li', { class: 'change', 'data-op-id': change.opId }, [
      make('div', { class: 'head' }, [this.#summary, this.#age]),
      make('div', { class: 'foot' }, [this.#state, this.#choices]),
      this.#message,
      this.#detail,
    ])
    this.#summary.addEventListener('click', () => this.#toggle())
    this.#choices.addEventListener('click', (event) => this.#choose(event))
    this.#showSummary()
    this.#showDecision()
  }

  /**
   * Only the decision of an operation can change.
   *
   * @param {Change} next
   */
  update(next) {
    const isSame = JSON.stringify(next.decision) === JSON.stringify(this.#change.decision)
    this.#change = { ...next, diff: next.diff ?? this.#change.diff }
    if (!isSame) this.#showDecision()
    const { startedAt } = next
    this.#age.textContent = ageInWords(startedAt, Date.now())
    if (startedAt !== undefined) this.#age.title = toVisible(startedAt)
  }

  async #toggle() {
    const isOpening = this.#detail.hidden
    this.#detail.hidden = !isOpening
    this.#summary.setAttribute('aria-expanded', String(isOpening))
    if (!isOpening) return
    if (this.#change.diff === undefined && !this.#change.binary) {
      this.#detail.replaceChildren(makeNote('Loading…'))
      const full = await this.#load(this.#change)
      // A poll may have brought a newer decision meanwhile.
      if (full !== undefined) this.#change = { ...full, decision: this.#change.decision }
    }
    this.#detail.replaceChildren(makeDetail(this.#change))
  }

  /** @param {Event} event */
  async #choose({ target }) {
    const button = target instanceof Element ? target.closest('button') : null
    const type = /** @type {DecisionType | undefined} */ (button?.dataset.type)
    if (type === undefined || this.#isDeciding) return
    this.#isDeciding = true
    this.element.classList.add('deciding')
    const problem = await this.#decide(this.#change, type)
    this.#isDeciding = false
    this.element.classList.remove('deciding')
    this.#message.textContent = problem ?? ''
    this.#message.hidden = problem === undefined
  }

  #showSummary() {
    const { opType, path, previousPath, linesAdded, linesRemoved, toolName } = this.#change
    const names =
      opType === 'rename' && previousPath !== undefined
        ? [...foreign(previousPath), make('span', { class: 'arrow' }, [' → ']), ...foreign(path)]
        : foreign(path)
    this.#summary.replaceChildren(
      make('span', { class: 'twisty', 'aria-hidden': 'true' }),
      make('span', { class: `kind ${/^[a-z]+$/.test(opType) ? opType : ''}` }, [
        kindInWords(opType),
      ]),
      make('span', { class: 'path' }, [make('bdi', {}, names)]),
      makeCounts(linesAdded, linesRemoved),
    )
    if (toolName !== undefined) this.#summary.title = `by ${toVisible(toolName)}`
  }

  #showDecision() {
    const { decision, path } = this.#change
    const words = stateInWords(decision)
    this.#state.textContent = words?.label ?? ''
    this.#state.className = `state ${words?.tone ?? ''}`
    this.#choices.setAttribute('aria-label', `Decide on ${toVisible(path)}`)
    const hadFocus = this.#choices.matches(':focus-within')
    this.#choices.replaceChildren(
      ...choicesAfter(decision).map((type) =>
        make('button', { type: 'button', class: `choice ${type}`, 'data-type': type }, [
          verbs[type],
        ]),
      ),
    )
    // The pressed button was replaced; the keyboard's focus stays on this change.
    if (hadFocus) this.#summary.focus()
  }
}

/** @param {Change} change */
function makeDetail(change) {
  const notes = notesInWords(change).map((text) => makeNote(text))
  return make('div', {}, [...notes, makeContent(change)])
}

/** @param {Change} change */
function makeContent({ binary, diff, diffOmitted, path }) {
  if (diff !== undefined) return makeDiffView(diff, path)
  if (binary) return makeNote('Not text, so there is no diff.')
  if (diffOmitted === 'too_large') return makeNote('The diff is too large to be shown.')
  return makeNote('There is no diff of this.')
}

/**
 * A count that is not known is not shown as 0.
 *
 * @param {number | undefined} added
 * @param {number | undefined} removed
 */
function makeCounts(added, removed) {
  const parts = [
    added === undefined ? '' : make('span', { class: 'plus' }, [`+${added}`]),
    removed === undefined ? '' : make('span', { class: 'minus' }, [`−${removed}`]),
  ]
  return make('span', { class: 'counts' }, parts)
}

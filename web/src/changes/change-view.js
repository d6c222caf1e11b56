/** One file operation in the list: what it was, its diff, and what can be decided about it. */

import { makeDiffView, makeNote } from './diff-view.js'
import { foreign, make } from './dom.js'
import { toVisible } from './visible-text.js'
import { ageInWords, choicesAfter, kindInWords, stateInWords, verbs } from './words.js'

/** @import { Change, DecisionType } from './change.js' */

/**
 * @typedef {object} ChangeViewOptions
 * @property {Change} change
 * @property {(change: Change, type: DecisionType) => Promise<string | undefined>} decide answers what went wrong
 * @property {(change: Change) => Promise<Change | undefined>} load the change with its diff
 */

/** @typedef {ReturnType<typeof makeChangeView>} ChangeView */

let viewsMade = 0

/** @param {ChangeViewOptions} options */
export function makeChangeView({ change: first, decide, load }) {
  let change = first
  let isDeciding = false

  const detailId = `change-${++viewsMade}`
  const summary = make('button', {
    type: 'button',
    class: 'summary',
    'aria-expanded': 'false',
    'aria-controls': detailId,
  })
  const age = make('time', { class: 'age' })
  const state = make('span', { class: 'state' })
  const choices = make('div', { class: 'choices', role: 'group' })
  const message = make('p', { class: 'message', role: 'alert' })
  const detail = make('div', { class: 'detail', id: detailId })
  message.hidden = true
  detail.hidden = true
  const element = make('li', { class: 'change', 'data-op-id': first.opId }, [
    make('div', { class: 'head' }, [summary, age]),
    make('div', { class: 'foot' }, [state, choices]),
    message,
    detail,
  ])

  async function expand() {
    if (change.diff === undefined && !change.binary) {
      detail.replaceChildren(makeNote('Loading…'))
      const full = await load(change)
      if (full !== undefined) change = { ...change, ...full, decision: change.decision }
    }
    detail.replaceChildren(makeDetail(change))
  }

  summary.addEventListener('click', () => {
    const isOpening = detail.hidden
    detail.hidden = !isOpening
    summary.setAttribute('aria-expanded', String(isOpening))
    if (isOpening) void expand()
  })

  choices.addEventListener('click', async (event) => {
    const button = event.target instanceof Element ? event.target.closest('button') : null
    const type = /** @type {DecisionType | undefined} */ (button?.dataset.type)
    if (type === undefined || isDeciding) return
    isDeciding = true
    element.classList.add('deciding')
    const problem = await decide(change, type)
    isDeciding = false
    element.classList.remove('deciding')
    message.textContent = problem ?? ''
    message.hidden = problem === undefined
  })

  function showSummary() {
    const { opType, path, previousPath, linesAdded, linesRemoved, toolName } = change
    const names =
      opType === 'rename' && previousPath !== undefined
        ? [...foreign(previousPath), make('span', { class: 'arrow' }, [' → ']), ...foreign(path)]
        : foreign(path)
    summary.replaceChildren(
      make('span', { class: 'twisty', 'aria-hidden': 'true' }),
      make('span', { class: `kind ${/^[a-z]+$/.test(opType) ? opType : ''}` }, [
        kindInWords(opType),
      ]),
      make('span', { class: 'path' }, [make('bdi', {}, names)]),
      makeCounts(linesAdded, linesRemoved),
    )
    if (toolName !== undefined) summary.title = `by ${toVisible(toolName)}`
  }

  function showDecision() {
    const words = stateInWords(change.decision)
    state.textContent = words?.label ?? ''
    state.className = `state ${words?.tone ?? ''}`
    choices.setAttribute('aria-label', `Decide on ${toVisible(change.path)}`)

    const types = choicesAfter(change.decision)
    const hadFocus = choices.matches(':focus-within')
    choices.replaceChildren(
      ...types.map((type) =>
        make('button', { type: 'button', class: `choice ${type}`, 'data-type': type }, [
          verbs[type],
        ]),
      ),
    )
    // The button that was pressed is gone or moved: who uses the keyboard goes on from this change.
    if (hadFocus) summary.focus()
  }

  showSummary()
  showDecision()

  return {
    element,
    summary,

    /**
     * Only a decision can change about an operation.
     *
     * @param {Change} next
     */
    update(next) {
      const isSame = JSON.stringify(next.decision) === JSON.stringify(change.decision)
      change = { ...next, diff: next.diff ?? change.diff }
      if (!isSame) showDecision()
      this.showAge()
    },

    showAge() {
      age.textContent = ageInWords(change.startedAt, Date.now())
      if (change.startedAt !== undefined) age.title = toVisible(change.startedAt)
    },
  }
}

/** @param {Change} change */
function makeDetail({ binary, diff, diffOmitted, path }) {
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

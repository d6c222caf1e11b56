/** The messages as elements. All content is inserted as text. */

/** @type {Readonly<Record<string, string>>} */
const toolsInWords = {
  read_file: 'Read',
  write_file: 'Write',
  edit_file: 'Edit',
  delete_file: 'Delete',
  rename_file: 'Rename',
  list_files: 'List',
  run_command: 'Run',
}

/** Within this distance from the end, the page scrolls along. */
const nearEndPx = 80

/**
 * @param {HTMLElement} list
 * @param {HTMLElement} scroll the element that scrolls it
 */
export function createTranscript(list, scroll) {
  /** @param {() => void} change */
  function readingAlong(change) {
    const isAtEnd = scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < nearEndPx
    change()
    if (isAtEnd) scroll.scrollTop = scroll.scrollHeight
  }

  return {
    clear() {
      list.replaceChildren()
    },

    /** @param {string} text */
    addQuestion(text) {
      const item = make('li', 'said user', [text])
      list.append(item)
      scroll.scrollTop = scroll.scrollHeight
    },

    /** An answer in progress: tools, and text as it arrives. */
    addAnswer() {
      const tools = make('ul', 'tools')
      const body = make('div', 'body')
      const item = make('li', 'said agent waiting', [tools, body])
      let text = ''
      /** @type {HTMLElement | undefined} */
      let currentTool
      readingAlong(() => list.append(item))

      return {
        /** @param {string} piece */
        addText(piece) {
          text += piece
          readingAlong(() => body.replaceChildren(...withCode(text.trimStart())))
        },

        /** @param {{ name: string, subject: string, state: string }} tool */
        setTool({ name, subject, state }) {
          readingAlong(() => {
            if (state === 'started') {
              const words = [toolsInWords[name] ?? name, ' ', make('code', '', [subject])]
              currentTool = make('li', '', words)
              tools.append(currentTool)
            }
            if (currentTool !== undefined) currentTool.className = state
          })
        },

        /** @param {string} [problem] */
        end(problem) {
          item.classList.remove('waiting')
          if (problem !== undefined) readingAlong(() => item.append(make('p', 'failed', [problem])))
        },
      }
    },
  }
}

/**
 * The only supported mark-up: `code` between backticks.
 *
 * @param {string} text
 */
function withCode(text) {
  return text
    .split(/(`[^`\n]+`)/)
    .map((part) => (/^`[^`]+`$/.test(part) ? make('code', '', [part.slice(1, -1)]) : part))
}

/**
 * @param {string} tag
 * @param {string} className
 * @param {readonly (Node | string)[]} [children]
 */
function make(tag, className, children = []) {
  const element = document.createElement(tag)
  element.className = className
  element.append(...children)
  return element
}

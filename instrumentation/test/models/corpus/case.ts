/** A documented or observed answer of one provider, and what is recorded of it. */
export interface CorpusCase {
  /** Who answers so. */
  readonly from: string
  readonly url: string
  readonly request?: object
  readonly status?: number
  readonly contentType: string
  readonly body: string
  readonly headers?: readonly (readonly [string, string])[]
  /** The parts of the first answer. */
  readonly parts: readonly object[]
  readonly members?: object
  readonly reasons: readonly string[]
  readonly usage?: object
  readonly calls?: readonly object[]
  readonly error?: { readonly type: string; readonly message?: string }
  /** The parts of the request's last message. */
  readonly asked?: readonly object[]
}

export const text = (content: string) => ({ type: 'text', content })
export const reasoning = (content: string) => ({ type: 'reasoning', content })

export const events = (...datas: readonly (object | string)[]): string =>
  datas
    .map((data) => (typeof data === 'string' ? data : `data: ${JSON.stringify(data)}`))
    .map((data) => `${data}\n\n`)
    .join('')

export const lines = (...objects: readonly object[]): string =>
  objects.map((object) => `${JSON.stringify(object)}\n`).join('')

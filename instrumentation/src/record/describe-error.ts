/** What is said of an error, whatever was thrown. */

export interface ErrorDescription {
  /** Its code or its name, as `error.type` and `exception.type` have it. */
  readonly type: string
  readonly message: string
  readonly stack: string | undefined
}

export function describeError(error: unknown): ErrorDescription {
  if (!(error instanceof Error)) {
    return { type: typeof error, message: text(error), stack: undefined }
  }
  const code: unknown = Reflect.get(error, 'code')
  return {
    type: typeof code === 'string' && error.name === 'Error' ? code : error.name,
    message: error.message,
    stack: typeof error.stack === 'string' ? error.stack : undefined,
  }
}

function text(value: unknown): string {
  try {
    return String(value)
  } catch {
    return Object.prototype.toString.call(value)
  }
}

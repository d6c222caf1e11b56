/** A span processor that prints each span as JSON, if the process is asked to. */
export const printSpans = {
  onStart: () => undefined,
  onEnd(span: {
    readonly name: string
    readonly attributes: object
    readonly instrumentationScope?: { readonly name: string }
    readonly instrumentationLibrary?: { readonly name: string }
  }) {
    if (process.env.PRINT_SPANS !== '1') return
    const { name, attributes, instrumentationScope, instrumentationLibrary } = span
    const scope = (instrumentationScope ?? instrumentationLibrary)?.name
    console.log(`made ${JSON.stringify({ name, scope, attributes })}`)
  },
  forceFlush: async () => undefined,
  shutdown: async () => undefined,
}

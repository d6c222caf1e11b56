/** Types: what a span of another library is, as its convention, its *dialect*, tells it. */

/** `step`: any other span of an agent framework, such as that of a node of a graph. */
export type SpanRole = 'agent' | 'model_call' | 'tool_call' | 'step'

/** A span as far as it is known: when it starts, many dialects have told little. */
export interface SpanFacts {
  readonly name: string
  /** The name of its instrumentation scope. */
  readonly scope: string
  readonly get: (attribute: string) => unknown
}

/** The tool call that a span says it is. */
export interface ToldCall {
  readonly id?: unknown
  readonly name: unknown
  /** JSON. */
  readonly arguments?: unknown
  /** A text, or JSON. */
  readonly result?: unknown
}

export interface ToldSpan {
  readonly role: SpanRole
  /** Only if the role is `tool_call`. */
  readonly call?: ToldCall
  /** The conversation or session that its user is in. */
  readonly conversationId?: unknown
}

/** Gives undefined for a span of another dialect. Reads only a few attributes: it is called for every span that starts. */
export type Dialect = (span: SpanFacts) => ToldSpan | undefined

import type { AnyValue, AttributeMap } from '../wire/request.ts'

/** Names of the GenAI convention with their values. */
export type Derived = Readonly<Record<string, AnyValue | undefined>>

/** Undefined for a span of another dialect, or of none. */
export type ReadDialect = (attributes: AttributeMap, spanName: string) => Derived | undefined

import type { AnyValue, AttributeMap } from '../wire/request.ts'

/** Values by their names in the GenAI convention. */
export type Derived = Readonly<Record<string, AnyValue | undefined>>

/** Reads one dialect; undefined for a span of another dialect, or of no dialect. */
export type ReadDialect = (attributes: AttributeMap, spanName: string) => Derived | undefined

/** Counters of tokens, which are cumulative: an API may send a smaller number, or none, after a larger one. Pure. */
import type { TokenUsage } from './model-api.ts'

/** Of two values of a cumulative counter the larger one; a value that is missing is not 0. */
export function larger(one: number | undefined, other: number | undefined): number | undefined {
  return one === undefined || other === undefined ? (one ?? other) : Math.max(one, other)
}

/** The same, of each counter. */
export function largerUsage(one: TokenUsage, other: TokenUsage): TokenUsage {
  const names = Object.keys({ ...one, ...other }) as (keyof TokenUsage)[]
  return Object.fromEntries(names.map((name) => [name, larger(one[name], other[name])]))
}

/** The numbers recorders give to their records. */

import type { AnyValue } from '../wire/request.ts'
import { integerOf } from './attributes.ts'

/** Beyond this a number was not counted. */
const sequenceMax = 2n ** 53n

/** A sequence: an integer from 1 up; null for anything else. */
export function positiveIntegerOf(value: AnyValue | undefined): bigint | null {
  const integer = integerOf(value)
  return integer !== null && integer >= 1n && integer <= sequenceMax ? integer : null
}

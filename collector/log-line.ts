/**
 * Turns a line of the Collector's log (`time level caller message {json}`, separated by tabs) into a sentence for the user,
 * if it reports a problem.
 */
import { asString, parseObject } from '@turnlog/conventions/plain'

const retrying = 'Exporting failed. Will retry the request after interval.'

/** Undefined for an ordinary line. Text that is not in the log's format, such as the reason of a failed start, is unchanged. */
export function describeLogLine(line: string): string | undefined {
  const [, level, , message, fields] = line.split('\t')
  if (level === undefined || message === undefined) return line.trim() === '' ? undefined : line
  const cause = asString(parseObject(fields ?? '')?.error)
  const because = cause === undefined ? '.' : `: ${cause}`
  if (message === retrying) return `Sending failed, and is tried again${because}`
  const isOrdinary = level === 'info' || level === 'debug'
  return isOrdinary ? undefined : `${message.replace(/\.$/, '')}${because}`
}

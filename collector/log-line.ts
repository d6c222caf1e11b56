/**
 * What the Collector writes on its standard error is for machines: `time level caller message {json}`, with tabs between.
 * Here is what of it a person is told.
 */
import { asString, parseObject } from '@turnlog/conventions/plain'

const retrying = 'Exporting failed. Will retry the request after interval.'

/** A sentence, or undefined for what is ordinary. What is no log line, such as the reason why it ends, is told as it is. */
export function describeLogLine(line: string): string | undefined {
  const [, level, , message, fields] = line.split('\t')
  if (level === undefined || message === undefined) return line.trim() === '' ? undefined : line
  const cause = asString(parseObject(fields ?? '')?.error)
  const because = cause === undefined ? '.' : `: ${cause}`
  if (message === retrying) return `Sending failed, and is tried again${because}`
  const isOrdinary = level === 'info' || level === 'debug'
  return isOrdinary ? undefined : `${message.replace(/\.$/, '')}${because}`
}

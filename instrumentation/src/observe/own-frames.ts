/**
 * The frames of this package in the stacks of a host's errors. What the host prints of an uncaught error has none of them. Where the
 * host would have another function in the place of ours, such as one of OpenTelemetry's API that does nothing, the line of that
 * function stands there again.
 *
 * A stack has ten frames at most, unless the host has set another limit. So the last frames of a deeper one are missing, as many as
 * were removed.
 */
import { types } from 'node:util'
import { quietly } from '../health.ts'

/** This package's sources, as stack traces name them. */
const ownSources = new URL('..', import.meta.url).href

/** `file`: a URL, as stacks have it. */
export function isOwnFile(file: string): boolean {
  return file.startsWith(ownSources)
}

/** A function of ours that is called in the place of one of the host. */
export interface StandIn {
  /** Runs `call` in our function, as the host's code does. */
  readonly inOurs: (call: () => string) => string
  /** Runs `call` in the host's function. */
  readonly inTheirs: (call: () => string) => string
}

/** Where a function of ours stands in a stack. */
interface OwnPlace {
  readonly ours: string
  readonly theirs: string
  /** The line of the host's function that calls ours. */
  readonly caller: string | undefined
}

/** With their places, once an error was seen. */
const standIns = new Map<StandIn, OwnPlace | undefined>()

/** The returned function undoes it. */
export function addStandIn(standIn: StandIn): () => void {
  standIns.set(standIn, undefined)
  return () => void standIns.delete(standIn)
}

/**
 * Removes the lines of this package from the stack of a host's error, so that the host prints what it printed without us. Only
 * changes native errors whose stack is text.
 */
export function hideOwnFrames(error: unknown): void {
  if (!types.isNativeError(error)) return
  const { stack } = error
  if (typeof stack !== 'string' || !stack.includes(ownSources)) return
  const places = quietly('look at a stack', ownPlaces) ?? []
  const lines = stack.split('\n')
  const kept = lines.flatMap((line, index) => {
    if (!isOwn(line)) return [line]
    const caller = lines[index + 1]
    const place = places.find((each) => each.ours === line && each.caller === caller)
    return place === undefined ? [] : [place.theirs]
  })
  error.stack = kept.join('\n')
}

function isOwn(line: string): boolean {
  return line.includes(ownSources) && /^\s+at /.test(line)
}

function ownPlaces(): OwnPlace[] {
  return [...standIns].flatMap(([standIn, known]) => {
    const place = known ?? placeOf(standIn)
    standIns.set(standIn, place)
    return place ?? []
  })
}

function placeOf({ inOurs, inTheirs }: StandIn): OwnPlace | undefined {
  const [ours, caller] = linesIn(inOurs)
  const [theirs] = linesIn(inTheirs)
  return ours === undefined || theirs === undefined ? undefined : { ours, theirs, caller }
}

/** The lines of a stack below the function that `run` is given. */
function linesIn(run: (call: () => string) => string): string[] {
  const stack = run(() => String(new Error('here').stack))
  return stack.split('\n').slice(2)
}

/**
 * Tool calls of hand-written loops, inferred from the bytes of model calls: a complete tool call in an answer opens a
 * call, the first request that brings its result closes it. The duration is an upper bound, unless an SDK that runs the
 * tools says when the call was done. At most `openCallsMax` are open: beyond that the oldest ends as unfinished.
 *
 * An app that reports its calls (`toolCall()`) takes the inferred call over: the app then begins and ends the same span.
 */
import {
  type Attributes,
  type Context,
  type HrTime,
  type Span,
  SpanKind,
  type TimeInput,
  trace,
} from '@opentelemetry/api'
import type { AttributeName } from '@turnlog/conventions'
import type { ToldFailure } from '@turnlog/conventions/dialects/failure'
import { defined } from '@turnlog/conventions/plain'
import type { KnownFailures } from './known-failures.ts'
import type { Recorder } from './recorder.ts'
import { failureOf } from './span-failure.ts'
import {
  type InferredEnd,
  ToolCall,
  type ToolCallDescription,
  type ToolCallOwner,
} from './tool-call.ts'
import { unreadAnswers } from './unread-answers.ts'

const openCallsMax = 1_000

/** Is called when tool calls begin and end; again for one whose begin the app reports, too. */
export interface ToolCallListener {
  callBegan(call: ToolCall, owner: ToolCallOwner | undefined): void
  callEnded(call: ToolCall): void
}

/** A call that the model has asked for, and whose result the model has not been sent. */
export interface InferredCall extends Pick<ToolCall, 'id' | 'name'> {
  /** Its id, or that of its span if it has none or another call has the same one. */
  readonly key: string
  readonly call: ToolCall
  readonly owner: ToolCallOwner | undefined
  /** An SDK has taken the call's span for its own. */
  isJoined: boolean
  /** When the SDK that ran it was done. */
  doneAt: TimeInput | undefined
}

/** What an SDK tells about its span of a call. */
interface JoinFacts {
  readonly attributes?: Attributes | undefined
  readonly owners: readonly (ToolCallOwner | undefined)[]
  readonly at: number
}

/** What the ended span of an SDK tells of a call. */
interface ClaimFacts {
  readonly owner: ToolCallOwner
  readonly endTime: HrTime
  readonly failure?: ToldFailure | undefined
}

interface BegunIn {
  readonly owner: ToolCallOwner | undefined
  /** The tool call whose sub-agent asks for it. */
  readonly around?: ToolCall | undefined
  /** When it was complete, in milliseconds since 1970; `undefined`: now. */
  readonly at?: number | undefined
}

interface ToolCallPartners {
  readonly listener?: ToolCallListener
  readonly failures?: KnownFailures
}

type ToolAttributes = { [Name in AttributeName]?: string | boolean }

/** The inferred calls of this thread that are open. */
export class ToolCalls {
  readonly #recorder: Recorder
  readonly #clock: () => number
  readonly #open = new Map<string, InferredCall>()
  /** How many calls of each tool were inferred that no span of an SDK has told of yet, also ones that have ended. */
  readonly #untold = new WeakMap<ToolCallOwner, Map<string, number>>()
  readonly listener: ToolCallListener | undefined
  readonly #failures: KnownFailures | undefined

  constructor(
    recorder: Recorder,
    clock: () => number,
    { listener, failures }: ToolCallPartners = {},
  ) {
    this.#recorder = recorder
    this.#clock = clock
    this.listener = listener
    this.#failures = failures
  }

  get #calls(): Map<string, InferredCall> {
    unreadAnswers.readAll()
    return this.#open
  }

  get size(): number {
    return this.#calls.size
  }

  openCalls(): Iterable<Readonly<InferredCall>> {
    return this.#calls.values()
  }

  /** The owners of the open calls that the app may mean: by id, else by name and equal arguments. */
  ownersOf(use: ToolCallDescription): ToolCallOwner[] {
    const { id, name } = use
    const calls =
      id === undefined
        ? [...this.#calls.values()].filter(
            (entry) => entry.name === name && entry.call.arguments.equal(use.arguments),
          )
        : this.#withId(id)
    const owners = new Set(calls.map(({ owner }) => owner))
    return [...owners].filter((owner) => owner !== undefined)
  }

  /**
   * The model asked for a tool. A repeated answer asks under the same id: that opens nothing new. Ids of small model servers
   * are not unique: a call of another turn or tool call is another one.
   */
  begin(
    use: ToolCallDescription,
    { parent, owner, around, at }: BegunIn & { readonly parent: Context },
  ): void {
    const { id, name } = use
    const known = id === undefined ? [] : this.#withId(id)
    const isOther = (entry: InferredCall): boolean =>
      owner !== undefined && entry.owner !== undefined && entry.owner !== owner
    if (!known.every(isOther)) return
    if (id !== undefined && owner?.openTools.has(id) === true) return
    const oldest = this.#calls.size >= openCallsMax ? this.#calls.values().next() : undefined
    oldest?.value?.call.leaveUnfinished()
    const span = this.#startSpan(use, parent, { 'turnlog.tool_call.inferred': true }, at)
    const key = id === undefined || this.#calls.has(id) ? span.spanContext().spanId : id
    const end = this.#endOf(key, use, span)
    const call = new ToolCall(use, span, { end, parent: around })
    this.#calls.set(key, { key, id, name, call, owner, isJoined: false, doneAt: undefined })
    owner?.openTools.set(key, call)
    if (owner !== undefined) addOne(this.#untold, owner, name)
    this.listener?.callBegan(call, owner)
  }

  #endOf(key: string, { isForced }: ToolCallDescription, span: Span): InferredEnd {
    const unfinished = 'turnlog.tool_call.unfinished' satisfies AttributeName
    return {
      isAwaited: isForced !== true,
      leaveUnfinished: () => {
        const entry = this.#calls.get(key)
        if (entry === undefined) return
        this.#remove(entry)
        this.listener?.callEnded(entry.call)
        span.setAttribute(unfinished, true)
        span.end(entry.doneAt)
      },
      recordWaiting: (at) => {
        const entry = this.#calls.get(key)
        if (entry !== undefined) this.listener?.callEnded(entry.call)
        this.#recorder.interim(span, at, { [unfinished]: true, 'turnlog.waiting': true })
      },
      forget: () => {
        const entry = this.#calls.get(key)
        if (entry !== undefined) this.#remove(entry)
        this.#recorder.discard(span.spanContext().spanId)
      },
    }
  }

  /**
   * The app begins a call, and will end it. If that call was inferred and is open, it keeps its span and the model's
   * arguments, and begins now.
   */
  takeOver(
    use: ToolCallDescription,
    { parent, owner, at }: { parent: Context; owner: ToolCallOwner | undefined; at: number },
  ): { readonly call: ToolCall; readonly wasInferred: boolean } {
    const entry = this.#find(use, owner, trace.getSpan(parent))
    if (entry === undefined) {
      return { call: new ToolCall(use, this.#startSpan(use, parent, {})), wasInferred: false }
    }
    const { call } = entry
    this.#remove(entry)
    call.span.setAttribute('turnlog.tool_call.inferred' satisfies AttributeName, false)
    this.#beginAgain(call, at)
    return { call, wasInferred: true }
  }

  #beginAgain(call: ToolCall, at: number): void {
    // An interim record is found by its start. Without one, the call begins after the wait.
    if (call.hasInterim) this.#recorder.startAgain(call.span)
    else {
      this.#recorder.startAgain(call.span, at)
      call.beginsAfterWait()
    }
  }

  /**
   * An SDK starts a span of its own for an open call, and gets the call's span. It can add to that span; its `end` only notes
   * the time, since the call stays open until the model is sent the result. The call begins now, at `at` (milliseconds since
   * 1970). `undefined`: no such call is open, or its span is already given away. `owners`: whose call it may be.
   */
  join(use: ToolCallDescription, { attributes = {}, owners, at }: JoinFacts): Span | undefined {
    const entry = this.#unjoined(use, owners)
    if (entry === undefined) return undefined
    this.#claim(entry)
    const { call } = entry
    call.span.setAttributes(attributes)
    call.span.setAttribute('turnlog.tool_call.inferred' satisfies AttributeName, false)
    this.#beginAgain(call, at)
    const done = (time: TimeInput = this.#clock()): void => {
      entry.doneAt = time
      const failure = failureOf(call.span)
      if (failure !== undefined) this.#noteFailure(entry, failure)
    }
    return new Proxy(call.span, {
      get(span, key) {
        if (key === 'end') return done
        const member: unknown = Reflect.get(span, key)
        return typeof member === 'function' ? member.bind(span) : member
      },
    })
  }

  /**
   * Whether the call of an SDK's span, which has ended, is one that was inferred and that no other span has told of. If it is
   * open, it was done when that span ended. Such spans may begin late, so it keeps its start.
   */
  claim(use: ToolCallDescription, { owner, endTime, failure }: ClaimFacts): boolean {
    const open = this.#unjoined(use, [owner])
    if (open === undefined) return takeOne(this.#untold.get(owner), use.name)
    this.#claim(open)
    open.doneAt = endTime
    if (failure !== undefined) this.#noteFailure(open, failure)
    return true
  }

  /** What runs the call `id` says that it failed. `owners`: whose call it may be. */
  failed(id: string, failure: ToldFailure, owners: JoinFacts['owners']): void {
    const entry = onlyOf(this.#withId(id), owners)
    if (entry !== undefined) this.#noteFailure(entry, failure)
  }

  #noteFailure({ call, owner }: InferredCall, failure: ToldFailure): void {
    call.failed(failure)
    this.#failures?.add(owner ?? call, failure)
  }

  /** Whether another span of an SDK, in which this one starts, has told of the same call. */
  isTold(use: ToolCallDescription, active: Span | undefined): boolean {
    const running = active?.spanContext().spanId
    return [...this.#calls.values()].some(
      ({ isJoined, id, name, call }) =>
        isJoined &&
        (use.id === undefined
          ? name === use.name && call.span.spanContext().spanId === running
          : id === use.id),
    )
  }

  #claim(entry: InferredCall): void {
    entry.isJoined = true
    if (entry.owner !== undefined) takeOne(this.#untold.get(entry.owner), entry.name)
  }

  /** By its id; else one with these arguments, or the first of its name, since loops run calls in order. */
  #unjoined(
    use: ToolCallDescription,
    owners: readonly (ToolCallOwner | undefined)[],
  ): InferredCall | undefined {
    if (use.id !== undefined) {
      const entry = onlyOf(this.#withId(use.id), owners)
      return entry?.isJoined === true ? undefined : entry
    }
    const possible = [...this.#calls.values()].filter(
      ({ name, owner, isJoined }) => !isJoined && name === use.name && owners.includes(owner),
    )
    const same = possible.find(({ call }) => call.arguments.equal(use.arguments))
    return same ?? possible[0]
  }

  /**
   * The model was sent the result, in exchange `exchange` of the model call `by`. `later`: how many new results of tools
   * with this name the request brings after it. Results may have no ids.
   */
  finish(key: string, by: Span, exchange: number, later = 0): void {
    const entry = this.#calls.get(key)
    if (entry === undefined) return
    this.#calls.delete(key)
    this.listener?.callEnded(entry.call)
    const result = { id: by.spanContext().spanId, x: exchange }
    this.#recorder.note(entry.call.span, { result: later > 0 ? { ...result, later } : result })
    entry.call.span.end(entry.doneAt)
    entry.owner?.toolEnded(key)
  }

  #startSpan(
    use: ToolCallDescription,
    parent: Context,
    extra: ToolAttributes,
    startTime?: number,
  ): Span {
    const span = this.#recorder.tracer.startSpan(
      `execute_tool ${use.name}`,
      {
        kind: SpanKind.INTERNAL,
        ...defined({ startTime }),
        attributes: {
          'gen_ai.operation.name': 'execute_tool',
          'gen_ai.tool.name': use.name,
          ...defined({ 'gen_ai.tool.call.id': use.id }),
          'gen_ai.tool.type': 'function',
          ...extra,
        } satisfies ToolAttributes,
      },
      parent,
    )
    if (use.arguments !== undefined) this.#recorder.content(span, 'tool.arguments', use.arguments)
    return span
  }

  /**
   * The open call the app means: by its id; else the one an SDK runs here; else the first of that name in the same turn,
   * preferably with the same arguments, since loops run calls in order.
   */
  #find(use: ToolCallDescription, owner: ToolCallOwner | undefined, active: Span | undefined) {
    if (use.id !== undefined) return onlyOf(this.#withId(use.id), [owner])
    const named = [...this.#calls.values()].filter(({ name }) => name === use.name)
    const running = active?.spanContext().spanId
    const ofOwner = named.filter((entry) => entry.owner === owner)
    return (
      named.find(({ call }) => call.span.spanContext().spanId === running) ??
      ofOwner.find(({ call }) => call.arguments.equal(use.arguments)) ??
      ofOwner[0]
    )
  }

  #withId(id: string): InferredCall[] {
    return [...this.#calls.values()].filter((entry) => entry.id === id)
  }

  #remove({ key, owner }: InferredCall): void {
    this.#calls.delete(key)
    owner?.openTools.delete(key)
  }
}

/** The entry of one of `owners`, else the only one. If several calls have the id, it is not known which is meant. */
function onlyOf(
  entries: readonly InferredCall[],
  owners: readonly (ToolCallOwner | undefined)[],
): InferredCall | undefined {
  const own = entries.find(({ owner }) => owners.includes(owner))
  return own ?? (entries.length === 1 ? entries[0] : undefined)
}

function addOne(
  counts: WeakMap<ToolCallOwner, Map<string, number>>,
  owner: ToolCallOwner,
  name: string,
): void {
  const ofOwner = counts.get(owner) ?? new Map<string, number>()
  counts.set(owner, ofOwner.set(name, (ofOwner.get(name) ?? 0) + 1))
}

/** Whether there was one to take. */
function takeOne(counts: Map<string, number> | undefined, name: string): boolean {
  const count = counts?.get(name) ?? 0
  if (count > 0) counts?.set(name, count - 1)
  return count > 0
}

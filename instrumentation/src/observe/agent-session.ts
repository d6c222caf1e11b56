/**
 * One agent that runs as a child process, and the turns that it works on, one after the other. A turn is that of a request of the
 * app, or, without one, begins when the agent is started or asked. The agent's result ends its work on the turn.
 */
import { trace } from '@opentelemetry/api'
import type { Candidate, CandidateSource } from '../record/candidate.ts'
import { contexts, requestOf, turnOfModelCall } from '../record/contexts.ts'
import type { OpenCandidates } from '../record/open-candidates.ts'
import type { Recorder } from '../record/recorder.ts'
import { linkToCaller } from '../record/turn-links.ts'
import type { AgentCommand } from './agent-command.ts'
import { type AgentResult, askedText, modelOf, resultOf } from './agent-messages.ts'
import { turnOfCall } from './turn-of-call.ts'

/** A longer text of an agent that reads or writes nothing else is not kept. */
const textLengthMax = 1024 ** 2

export interface AgentSessionOptions {
  readonly recorder: Pick<Recorder, 'note'>
  readonly candidates: CandidateSource
  readonly open: OpenCandidates
}

/** How the agent's process has ended. */
export interface AgentEnd {
  readonly code: unknown
  readonly signal: unknown
}

export class AgentSession {
  readonly #agent: AgentCommand
  readonly #options: AgentSessionOptions
  #turn: Candidate | undefined
  /** The turn's user has asked the agent. */
  #isAsked: boolean = false
  /** Texts that it was asked while it worked. */
  readonly #waiting: string[] = []
  #model: string | undefined
  #input = ''
  #output = ''

  /** The agent is about to be started. */
  constructor(agent: AgentCommand, options: AgentSessionOptions) {
    this.#agent = agent
    this.#options = options
    const active = contexts.active()
    if (requestOf(active) !== undefined) this.#workFor(turnOfModelCall(active))
    else this.#begin(agent.prompt)
    this.#isAsked = agent.prompt !== undefined
  }

  /** The turn that it works on. */
  get turn(): Candidate | undefined {
    return this.#turn
  }

  /** A line that the app has written to it. */
  sent(line: string): void {
    const text = askedText(line)
    if (text === undefined) return
    if (this.#turn !== undefined && this.#isAsked) this.#waiting.push(text)
    else this.#ask(text)
  }

  /** A line of its output. */
  said(line: string): void {
    this.#model ??= modelOf(line)
    const result = resultOf(line)
    if (result !== undefined) this.#end(result)
  }

  /** A piece of what the app has written to it. */
  read(piece: string): void {
    if (this.#agent.readsText && this.#input.length <= textLengthMax) this.#input += piece
  }

  /** A piece of its output. */
  wrote(piece: string): void {
    if (this.#agent.answersText && this.#output.length <= textLengthMax) this.#output += piece
  }

  /** It has ended, and so has its output. */
  closed({ code, signal }: AgentEnd): void {
    if (this.#turn === undefined) return
    const asked = this.#input.trim()
    if (!this.#isAsked && asked !== '' && asked.length <= textLengthMax) this.#ask(asked)
    const text = this.#output.trim()
    const isKnown = code === 0 && text !== '' && text.length <= textLengthMax
    const isStopped = typeof signal === 'string'
    const message = `The agent exited with code ${String(code)}.`
    this.#end({
      text: isKnown ? text : undefined,
      failure: code === 0 || isStopped ? undefined : { type: 'process_exit', message },
      isStopped,
      conversation: undefined,
    })
  }

  /** It could not be started, or the call that has run it has thrown. */
  failed(failure: AgentResult['failure']): void {
    this.#end({ text: undefined, failure, conversation: undefined })
  }

  #ask(text: string): void {
    this.#isAsked = true
    const ofRequest = this.#requestWith(text)
    const current = this.#turn
    if (ofRequest === undefined) {
      if (current === undefined) this.#begin(text)
      else if (current.isInferred) current.setPrompt(text)
      return
    }
    if (ofRequest === current) return
    this.#workFor(ofRequest)
    if (current?.isInferred === true) current.continueTurn(ofRequest)
    current?.release()
  }

  /** The request whose user's text it is: a queue of the app may write in the context of another one. */
  #requestWith(text: string): Candidate | undefined {
    const own = requestOf(contexts.active())?.turn
    const found = turnOfCall({
      api: { asked: () => undefined, history: () => undefined },
      body: Buffer.from(JSON.stringify(text)),
      answered: [],
      own: own?.isEnded === true || own?.isInferred === true ? undefined : own,
      open: this.#options.open.all().filter((each) => !each.isInferred),
    })
    return found === 'ambiguous' ? undefined : found
  }

  #begin(prompt: string | undefined): void {
    const { candidates } = this.#options
    const active = trace.getSpan(contexts.active())
    const turn = candidates.openCandidate({
      startedAt: candidates.now(),
      // By the agent's result.
      endIsKnown: true,
      isInferred: true,
      links: active === undefined ? [] : [linkToCaller(active.spanContext())],
    })
    this.#workFor(turn)
    if (prompt !== undefined) turn.setPrompt(prompt)
  }

  #workFor(turn: Candidate | undefined): void {
    this.#turn = turn
    turn?.promote()
    turn?.decide()
    turn?.hold()
  }

  #end({ text, failure, isStopped = false, conversation }: AgentResult): void {
    const turn = this.#turn
    if (turn === undefined) return
    this.#turn = undefined
    this.#isAsked = false
    this.#output = ''
    if (text !== undefined) turn.agentAnswered(text)
    const isFailed = failure !== undefined || isStopped
    turn.callEnded({ isFailed, isAborted: isStopped, cause: failure, repeatsPrompt: true })
    if (this.#model !== undefined) turn.describe({ 'gen_ai.request.model': this.#model })
    if (conversation !== undefined && turn.span !== undefined) {
      this.#options.recorder.note(turn.span, { conversation })
    }
    if (turn.isInferred) turn.finish()
    turn.release()
    const next = this.#waiting.shift()
    if (next !== undefined) this.#ask(next)
  }
}

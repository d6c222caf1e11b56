/** Does work that the host need not wait for: in slices of a few milliseconds, between the host's own work. */
import { quietly } from '../health.ts'

const sliceMs = 5
/** How many steps a slice does, even if the machine is so busy that they take longer than the slice. */
const stepsMin = 32
/** How long the rest may take at the end of the process, or when somebody waits for the result. */
const lastSliceMs = 500

export class Slices {
  #steps: (() => void)[] = []
  #isScheduled: boolean = false

  /** Begins at once, and goes on later. */
  add(steps: readonly (() => void)[]): void {
    this.#steps.push(...steps)
    this.#run(sliceMs)
    this.#schedule()
  }

  /** Does all work that waits, as far as there is time. */
  runAll(): void {
    this.#run(lastSliceMs)
  }

  #schedule(): void {
    if (this.#isScheduled || this.#steps.length === 0) return
    this.#isScheduled = true
    setImmediate(() => {
      this.#isScheduled = false
      this.#run(sliceMs)
      this.#schedule()
    }).unref()
  }

  #run(ms: number): void {
    const until = performance.now() + ms
    let done = 0
    for (const step of this.#steps) {
      if (done >= stepsMin && performance.now() > until) break
      quietly('do a waiting step', step)
      done += 1
    }
    this.#steps = this.#steps.slice(done)
  }
}

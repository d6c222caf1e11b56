import { expect, test } from 'vitest'
import { SteadyClock } from '../src/steady-clock.ts'

const hour = 3_600_000

function startClock() {
  const machine = { ofDay: 1_000_000, monotonic: 50.5, uptime: 7, isOpen: false }
  const clock = new SteadyClock({
    dateNow: () => machine.ofDay,
    clock: () => machine.monotonic,
    uptime: () => Math.floor(machine.uptime),
  })
  clock.whileOpen(() => machine.isOpen)
  return {
    clock,
    machine,
    pass(ms: number): void {
      machine.ofDay += ms
      machine.monotonic += ms
      machine.uptime += ms / 1_000
    },
    sleep(ms: number): void {
      machine.ofDay += ms
      machine.uptime += ms / 1_000
    },
  }
}

test('it is the time of day, also of a clock that is adjusted slowly', () => {
  const { clock, machine, pass } = startClock()
  machine.isOpen = true
  for (const seconds of [1, 10, 60, 3_600]) {
    pass(seconds * 1_000)
    machine.ofDay += 5 + seconds * 0.5
    expect(clock.now()).toBe(machine.ofDay)
  }
})

test.for([-hour, hour])(
  'a clock set by %d ms while something is open changes no duration',
  (set) => {
    const { clock, machine, pass } = startClock()
    machine.isOpen = true
    const before = clock.now()
    machine.ofDay += set
    pass(250)
    expect(clock.now()).toBe(before + 250)
    expect(clock.shiftOf(machine.ofDay)).toBe(-set)
    expect(clock.shiftOf(before)).toBe(0)
    pass(250)
    expect(clock.now()).toBe(before + 500)
    machine.isOpen = false
    expect(clock.now()).toBe(machine.ofDay)
    expect(clock.shiftOf(machine.ofDay)).toBe(0)
  },
)

test('a clock that is set while nothing is open is followed', () => {
  const { clock, machine } = startClock()
  machine.ofDay -= hour
  expect(clock.now()).toBe(machine.ofDay)
})

test('a sleep of the machine counts, also after the clock was set', () => {
  const { clock, machine, pass, sleep } = startClock()
  machine.isOpen = true
  pass(1_000)
  sleep(hour)
  expect(clock.now()).toBe(machine.ofDay)
  const before = clock.now()
  machine.ofDay += 2 * hour
  pass(10)
  expect(clock.now()).toBe(before + 10)
  sleep(hour)
  expect(clock.now()).toBe(machine.ofDay)
})

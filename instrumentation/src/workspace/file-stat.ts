/** What the disk says about a file without reading it, and how exact its times are. Pure. */

/** Times are milliseconds since 1970; with its fraction, a double is exact to a quarter of a microsecond. */
export interface FileStat {
  readonly ino: number
  readonly size: number
  readonly mtimeMs: number
  readonly ctimeMs: number
  readonly mode: number
}

/**
 * The kernel stamps files with the time of its last tick, so a stamp may be this much older than the write. Linux ticks
 * every 1 to 10 ms.
 */
const tickMs = 10
/** FAT stamps every two seconds. */
const coarseMs = 2_000

export function statOf(stat: {
  readonly ino: number | bigint
  readonly size: number | bigint
  readonly mtimeMs: number | bigint
  readonly ctimeMs: number | bigint
  readonly mode: number | bigint
}): FileStat {
  return {
    ino: Number(stat.ino),
    size: Number(stat.size),
    mtimeMs: Number(stat.mtimeMs),
    ctimeMs: Number(stat.ctimeMs),
    mode: Number(stat.mode),
  }
}

/** Whether nothing has happened to the file between the two. */
export function isSame(a: FileStat, b: FileStat): boolean {
  return a.ctimeMs === b.ctimeMs && a.size === b.size && a.mtimeMs === b.mtimeMs && a.ino === b.ino
}

/** How much older than the change its time may be. A time without a fraction of a second comes from a coarse clock. */
export function granularityMs(timeMs: number): number {
  return timeMs % 1_000 === 0 ? coarseMs : tickMs
}

/** Whether a change right after `lookedAtMs` could have left the same time. */
export function isRacy({ ctimeMs }: FileStat, lookedAtMs: number): boolean {
  return ctimeMs > lookedAtMs - granularityMs(ctimeMs)
}

/** How much memory requests may take at one moment. What does not fit is refused, not queued. */

export interface Capacity {
  /** For one request. */
  open(): Lease
}

export interface Lease {
  /**
   * False when the bytes do not fit; then none were taken. A request that is alone always fits: its
   * own limits bound it, and told to come again it would never be landed.
   */
  take(bytes: number): boolean
  /** Gives back all. May be called twice. */
  release(): void
}

export function openCapacity({ bytesMax }: { readonly bytesMax: number }): Capacity {
  let taken = 0
  return {
    open() {
      let own = 0
      return {
        take(bytes) {
          const isAlone = taken === own
          if (!isAlone && taken + bytes > bytesMax) return false
          own += bytes
          taken += bytes
          return true
        },
        release() {
          taken -= own
          own = 0
        },
      }
    },
  }
}

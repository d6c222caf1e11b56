/** How many bytes of memory all requests may take at one moment. What does not fit is refused, not queued. */

export interface Capacity {
  /** For one request. */
  open(): Lease
}

export interface Lease {
  /**
   * False when the bytes do not fit; then none are taken. The only request always gets its bytes: its own limits bound
   * it, and if it were refused it would never land.
   */
  take(bytes: number): boolean
  /** Gives everything back. May be called twice. */
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

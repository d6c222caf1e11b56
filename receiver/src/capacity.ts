/** How many bytes of request bodies may be in memory at one moment. What does not fit is refused, not queued. */

export interface Capacity {
  /** False when the bytes do not fit; then nothing was taken. */
  take(bytes: number): boolean
  give(bytes: number): void
}

export function openCapacity({ bytesMax }: { readonly bytesMax: number }): Capacity {
  let taken = 0
  return {
    take(bytes) {
      if (taken + bytes > bytesMax) return false
      taken += bytes
      return true
    },
    give(bytes) {
      taken -= bytes
    },
  }
}

/** Which turn is asked about, and how much of it is read. */
export interface OfTurn {
  readonly teamId: string
  readonly traceId: string
  /** Characters of each content. */
  readonly lengthMax: number
  readonly rowsMax: number
}

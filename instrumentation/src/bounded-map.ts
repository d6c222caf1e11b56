/** Sets an entry, as the newest one. Above `max` entries the oldest is forgotten. */
export function setBounded<Key, Value>(
  entries: Map<Key, Value>,
  key: Key,
  value: Value,
  max: number,
): void {
  entries.delete(key)
  entries.set(key, value)
  const oldest = entries.size > max ? entries.keys().next() : undefined
  if (oldest?.done === false) entries.delete(oldest.value)
}

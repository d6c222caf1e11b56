/** Every name that Turnlog uses on the wire, and its ids. What else both ends share is imported by file. */
export * from './names/attributes.ts'
export * from './names/definition.ts'
export * from './names/delivery.ts'
export * from './names/events.ts'
export * from './names/ids.ts'
export * from './names/metrics.ts'

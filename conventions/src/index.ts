/** Every name Turnlog uses on the wire, and the ids it parses. */
export * from './names/attributes.ts'
export * from './names/definition.ts'
export * from './names/delivery.ts'
export * from './names/events.ts'
export * from './names/ids.ts'
export * from './names/metrics.ts'

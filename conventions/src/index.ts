/** Every name Turnlog uses on the wire, and the ids it parses. */
export * from './attributes.ts'
export * from './definition.ts'
export * from './delivery.ts'
export * from './events.ts'
export * from './ids.ts'
export * from './metrics.ts'

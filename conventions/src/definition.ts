/** How a name is defined: what the tables of attributes have in common. */

export type AttributeType =
  | 'string'
  | 'int'
  | 'double'
  | 'boolean'
  | 'string[]'
  | 'json'
  | 'content'

export interface AttributeDefinition {
  readonly type: AttributeType
  readonly unit?: string
  readonly meaning: string
  readonly example: string | number | boolean
  /** `stable`: renamed only with a new schema version. `development`: may still change. */
  readonly stability: 'stable' | 'development'
}

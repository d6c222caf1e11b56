/** The definition of a name, as the tables of attributes have it. */

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
  /**
   * The content is always JSON, so that a quote inside its texts is escaped and `.ref"` ends a member's name. Content
   * without it may be any text, and is never searched for references.
   */
  readonly isJson?: boolean
  readonly unit?: string
  readonly meaning: string
  readonly example: string | number | boolean
  /** `stable`: renamed only with a new schema version. `development`: may still change. */
  readonly stability: 'stable' | 'development'
}

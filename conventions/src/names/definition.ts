/** The definition of a name, as the tables of attributes have it: `stable.int('The exit code.', 0)`. */

export type AttributeType =
  | 'string'
  | 'int'
  | 'double'
  | 'boolean'
  | 'string[]'
  | 'json'
  | 'content'

export interface AttributeDefinition<Type extends AttributeType = AttributeType> {
  readonly type: Type
  readonly meaning: string
  readonly example: string | number | boolean
  /** `stable`: renamed only with a new schema version. `development`: may still change. */
  readonly stability: 'stable' | 'development'
  readonly unit: string | undefined
  /**
   * The content is always JSON, so that a quote inside its texts is escaped and `.ref"` ends a member's name. Content
   * without it may be any text, and is never searched for references.
   */
  readonly isJson: boolean
}

export const stable = definitions('stable')
export const development = definitions('development')

function definitions(stability: AttributeDefinition['stability']) {
  type Example = AttributeDefinition['example']
  const of =
    <Type extends AttributeType>(type: Type, isJson = false) =>
    (meaning: string, example: Example, unit?: string): AttributeDefinition<Type> => ({
      type,
      meaning,
      example,
      unit,
      stability,
      isJson,
    })
  return {
    string: of('string'),
    int: of('int'),
    double: of('double'),
    boolean: of('boolean'),
    strings: of('string[]'),
    json: of('json'),
    content: of('content'),
    jsonContent: of('content', true),
  }
}

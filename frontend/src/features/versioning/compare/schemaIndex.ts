import type { ProjectSchema } from '@/api/types'

interface AttributeInfo {
  name: string
  base: string
  /** Names of enumeration values by their ids. */
  values: ReadonlyMap<string, string>
}

interface TypeInfo {
  name: string
  title: string | null
  text: string | null
  /** Attribute ids in the order of the type. */
  attributes: readonly string[]
}

/** What attribute and type ids mean, in either of two versions; where both know an id, the newer names it. */
export interface SchemaIndex {
  attribute: (id: string) => AttributeInfo | undefined
  type: (id: string) => TypeInfo | undefined
}

const text = (value: unknown): string | null => (typeof value === 'string' ? value : null)

export function indexSchemas(
  older: ProjectSchema | undefined,
  newer: ProjectSchema | undefined,
): SchemaIndex {
  const attributes = new Map<string, AttributeInfo>()
  const types = new Map<string, TypeInfo>()
  for (const schema of [older, newer]) {
    const values = new Map(
      (schema?.datatypes ?? []).map((datatype) => [
        datatype.id,
        new Map(datatype.enum_values.map((value) => [String(value.id), String(value.name ?? value.id)])),
      ]),
    )
    for (const type of schema?.types ?? []) {
      types.set(type.id, {
        name: type.name,
        title: text(type.presentation.title),
        text: text(type.presentation.text),
        attributes: type.attributes.map((attribute) => attribute.id),
      })
      for (const attribute of type.attributes) {
        attributes.set(attribute.id, {
          name: attribute.name,
          base: attribute.base,
          values: values.get(attribute.datatype_id ?? '') ?? new Map<string, string>(),
        })
      }
    }
  }
  return { attribute: (id) => attributes.get(id), type: (id) => types.get(id) }
}

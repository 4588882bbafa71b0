import { computed, type ComputedRef, type Ref } from 'vue'
import type { Attribute, Datatype, Item, ItemType, ProjectSchema } from '@/api/types'

export interface EnumValue {
  id: string
  name: string
  color: string | null
}

/** An attribute as it is shown and edited: with its datatype's values. */
export interface Field {
  attribute: Attribute
  values: readonly EnumValue[]
}

/** A column of a document: what each item has under this name, whatever its type. */
export interface Column {
  id: string
  name: string
  base: string
  /** Ids of the attribute by type. */
  byType: ReadonlyMap<string, string>
}

export const TITLE = 'title'
export const TEXT = 'text'

export interface SchemaIndex {
  types: ReadonlyMap<string, ItemType>
  linkTypes: readonly ItemType[]
  itemTypes: readonly ItemType[]
  columns: readonly Column[]
  field: (attributeId: string | undefined) => Field | undefined
  /** The attribute that a column means for an item. */
  fieldOf: (item: Item | null | undefined, column: string) => Field | undefined
  fieldsOf: (item: Item) => Field[]
}

/** Answers questions about the schema without searching it each time. */
export function useSchemaIndex(schema: Ref<ProjectSchema | undefined>): ComputedRef<SchemaIndex> {
  return computed(() => indexSchema(schema.value))
}

export function indexSchema(schema: ProjectSchema | undefined): SchemaIndex {
  const types = new Map((schema?.types ?? []).map((type) => [type.id, type]))
  const datatypes = new Map((schema?.datatypes ?? []).map((datatype) => [datatype.id, datatype]))
  const attributes = new Map(
    [...types.values()].flatMap((type) => type.attributes.map((attribute) => [attribute.id, attribute])),
  )
  const itemTypes = [...types.values()].filter((type) => type.category === 'item')
  const columns = columnsOf(itemTypes)
  const byId = new Map(columns.map((column) => [column.id, column]))

  function field(attributeId: string | undefined): Field | undefined {
    const attribute = attributes.get(attributeId ?? '')
    return attribute && { attribute, values: valuesOf(datatypes.get(attribute.datatype_id ?? '')) }
  }

  function fieldOf(item: Item | null | undefined, column: string): Field | undefined {
    const type = types.get(item?.type_id ?? '')
    if (!type) return undefined
    if (column === TITLE || column === TEXT) return field(roleOf(type, column))
    return field(byId.get(column)?.byType.get(type.id))
  }

  return {
    types,
    linkTypes: [...types.values()].filter((type) => type.category === 'link'),
    itemTypes,
    columns,
    field,
    fieldOf,
    fieldsOf: (item) =>
      (types.get(item.type_id ?? '')?.attributes ?? []).flatMap((entry) => field(entry.id) ?? []),
  }
}

function roleOf(type: ItemType, role: string): string | undefined {
  const id = type.presentation[role]
  return typeof id === 'string' ? id : undefined
}

function valuesOf(datatype: Datatype | undefined): EnumValue[] {
  return (datatype?.enum_values ?? []) as unknown as EnumValue[]
}

const weightOf = ({ base }: Column): number => (base === 'enumeration' ? 0 : base === 'xhtml' ? 2 : 1)

/** Attributes of the same name and base of different types stand in one column; titles and texts in none. */
function columnsOf(types: readonly ItemType[]): Column[] {
  const columns = new Map<string, Column & { byType: Map<string, string> }>()
  for (const type of types) {
    for (const attribute of type.attributes) {
      if (attribute.id === roleOf(type, TITLE) || attribute.id === roleOf(type, TEXT)) continue
      const id = `${attribute.base}:${attribute.name}`
      const column = columns.get(id) ?? {
        id,
        name: attribute.name,
        base: attribute.base,
        byType: new Map<string, string>(),
      }
      column.byType.set(type.id, attribute.id)
      columns.set(id, column)
    }
  }
  // What is short and compared stands before what is long and read.
  return [...columns.values()].sort((a, b) => weightOf(a) - weightOf(b))
}

import type { Attribute, Datatype, ItemType, Operation, ProjectSchema } from '@/api/types'

type Fields = Record<string, unknown>
const MAPS = new Set(['presentation', 'constraints'])

/** Returns the schema as it will be once the server took the operations, to be shown until its answer is there. */
export function applyOperations(schema: ProjectSchema, operations: readonly Operation[]): ProjectSchema {
  return operations.reduce(apply, schema)
}

function apply(schema: ProjectSchema, { op, kind, id, fields = {} }: Operation): ProjectSchema {
  if (!id) return schema
  if (kind === 'datatype') {
    const datatypes = edit(schema.datatypes, op, id, fields as Partial<Datatype>)
    return { ...schema, datatypes: datatypes.sort(byName) }
  }
  if (kind === 'type') {
    const types = edit(schema.types, op, id, { ...(op === 'create' ? { attributes: [] } : {}), ...fields })
    return { ...schema, types: types.sort(byRank) }
  }
  if (kind !== 'attribute') return schema
  const types = schema.types.map((type) => editAttribute(schema, type, op, id, fields))
  return { ...schema, types }
}

function editAttribute(
  schema: ProjectSchema,
  type: ItemType,
  op: string,
  id: string,
  fields: Fields,
): ItemType {
  const owns = op === 'create' ? fields.type_id === type.id : type.attributes.some((entry) => entry.id === id)
  if (!owns) return type
  const datatype = schema.datatypes.find((entry) => entry.id === fields.datatype_id)
  const written = datatype ? { ...fields, base: datatype.base } : fields
  return { ...type, attributes: edit(type.attributes, op, id, written as Partial<Attribute>).sort(byRank) }
}

function edit<T extends { id: string }>(list: readonly T[], op: string, id: string, fields: Partial<T>): T[] {
  if (op === 'delete') return list.filter((entry) => entry.id !== id)
  if (op === 'create') return [...list, { ...fields, id } as T]
  return list.map((entry) => (entry.id === id ? patched(entry, fields) : entry))
}

function patched<T extends object>(entry: T, fields: Partial<T>): T {
  const result: Fields = { ...(entry as Fields) }
  for (const [name, value] of Object.entries(fields)) {
    result[name] = MAPS.has(name) ? { ...(result[name] as Fields), ...(value as Fields) } : value
  }
  return result as T
}

const byName = (a: { name: string }, b: { name: string }): number => compare(a.name, b.name)
const byRank = (a: { rank: string }, b: { rank: string }): number => compare(a.rank, b.rank)
// By code point, as the server orders.
const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

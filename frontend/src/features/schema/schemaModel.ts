import type { Attribute, Datatype, ItemType, Operation, ProjectSchema } from '@/api/types'
import { rankBetween, ranks } from './rank'

export const CATEGORIES = ['item', 'document', 'link', 'link_group'] as const
export const BASES = ['string', 'xhtml', 'integer', 'real', 'boolean', 'date', 'enumeration'] as const
export const STYLES = ['requirement', 'heading', 'information', 'test'] as const
export type Category = (typeof CATEGORIES)[number]
export type Base = (typeof BASES)[number]
export type Style = (typeof STYLES)[number]

/** A value of an enumeration. */
export interface Choice {
  id: string
  name: string
  key?: string
  color: string | null
}

export const choicesOf = (datatype: Datatype | undefined): Choice[] =>
  (datatype?.enum_values ?? []) as unknown as Choice[]

export interface Use {
  type: ItemType
  attribute: Attribute
}

/** Where a datatype is used. */
export function usesOf(schema: ProjectSchema, datatype: Datatype): Use[] {
  return schema.types.flatMap((type) =>
    type.attributes
      .filter((attribute) => attribute.datatype_id === datatype.id)
      .map((attribute) => ({ type, attribute })),
  )
}

type Kind = 'type' | 'attribute' | 'datatype'

const operation = (
  op: 'create' | 'update' | 'delete',
  kind: Kind,
  id: string,
  fields: Record<string, unknown> = {},
): Operation => ({ op, kind, id, fields, items: false })

export const change = (kind: Kind, id: string, fields: Record<string, unknown>): Operation =>
  operation('update', kind, id, fields)

const lastRank = (entries: readonly { rank: string }[]): string | null => entries.at(-1)?.rank ?? null

export interface Created {
  id: string
  operations: Operation[]
}

/** A new type. One of items gets a title and a text, without which nothing of them would be seen. */
export function createType(schema: ProjectSchema, category: Category, name: string): Created {
  const id = crypto.randomUUID()
  const fields = { category, name, description: '', rank: rankBetween(lastRank(schema.types), null) }
  if (category !== 'item') {
    return { id, operations: [operation('create', 'type', id, { ...fields, presentation: {} })] }
  }
  const presentation: Record<string, string> = { style: 'requirement' }
  const parts = [
    { role: 'title', name: 'Title', datatype: schema.datatypes.find((entry) => entry.base === 'string') },
    { role: 'text', name: 'Text', datatype: schema.datatypes.find((entry) => entry.base === 'xhtml') },
  ]
  const order = ranks(parts.length)
  const attributes = parts.flatMap(({ role, name: title, datatype }, at) => {
    if (!datatype) return []
    const attribute = crypto.randomUUID()
    presentation[role] = attribute
    return [operation('create', 'attribute', attribute, attributeFields(id, datatype.id, title, order[at]))]
  })
  return { id, operations: [operation('create', 'type', id, { ...fields, presentation }), ...attributes] }
}

const attributeFields = (type: string, datatype: string, name: string, rank: string | undefined) => ({
  type_id: type,
  datatype_id: datatype,
  name,
  description: '',
  multi_valued: false,
  default_value: null,
  rank,
})

export function createAttribute(type: ItemType, datatype: string, name: string): Created {
  const id = crypto.randomUUID()
  const rank = rankBetween(lastRank(type.attributes), null)
  return {
    id,
    operations: [operation('create', 'attribute', id, attributeFields(type.id, datatype, name, rank))],
  }
}

export function createDatatype(base: Base, name: string): Created {
  const id = crypto.randomUUID()
  const constraints = base === 'string' ? { max_length: '32000' } : {}
  const fields = { base, name, description: '', constraints, enum_values: [] }
  return { id, operations: [operation('create', 'datatype', id, fields)] }
}

/** Deletes a type with its attributes. */
export const deleteType = (type: ItemType): Operation[] => [
  ...type.attributes.map((attribute) => operation('delete', 'attribute', attribute.id)),
  operation('delete', 'type', type.id),
]

/** Deletes an attribute; what showed it as its title or text shows nothing in its place. */
export function deleteAttribute(type: ItemType, attribute: Attribute): Operation[] {
  const roles = ['title', 'text'].filter((role) => type.presentation[role] === attribute.id)
  const freed = Object.fromEntries(roles.map((role) => [role, null]))
  return [
    operation('delete', 'attribute', attribute.id),
    ...(roles.length > 0 ? [change('type', type.id, { presentation: freed })] : []),
  ]
}

export const deleteDatatype = (datatype: Datatype): Operation[] => [
  operation('delete', 'datatype', datatype.id),
]

/** Moves the attribute at `from` to `to`: one write where there is room, of all of them where ranks are equal. */
export function moveAttribute(type: ItemType, from: number, to: number): Operation[] {
  const order = moved(type.attributes, from, to)
  const [before, self, after] = [order[to - 1], order[to], order[to + 1]]
  if (!self) return []
  try {
    return [change('attribute', self.id, { rank: rankBetween(before?.rank ?? null, after?.rank ?? null) })]
  } catch {
    const fresh = ranks(order.length)
    return order.map((attribute, at) => change('attribute', attribute.id, { rank: fresh[at] }))
  }
}

/** Returns a list with the entry at `from` standing at `to`. */
export function moved<T>(list: readonly T[], from: number, to: number): T[] {
  const rest = list.filter((_entry, at) => at !== from)
  return [...rest.slice(0, to), ...list.slice(from, from + 1), ...rest.slice(to)]
}

/** Returns why a text cannot be a default of numbers of this kind, or nothing. */
export function misfit(base: string, value: unknown): 'integer' | 'real' | null {
  if (typeof value !== 'string') return null
  if (base === 'integer' && !/^[+-]?\d+$/.test(value)) return 'integer'
  if (base === 'real' && !/^[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,4})?$/.test(value)) return 'real'
  return null
}

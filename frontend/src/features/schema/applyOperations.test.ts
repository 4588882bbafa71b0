import { describe, expect, it } from 'vitest'
import type { ProjectSchema } from '@/api/types'
import { applyOperations } from './applyOperations'
import {
  change,
  createAttribute,
  createDatatype,
  createType,
  deleteAttribute,
  deleteType,
  misfit,
  moveAttribute,
} from './schemaModel'

const datatype = (id: string, base: string) => ({
  id,
  base,
  name: id,
  description: '',
  constraints: {},
  enum_values: [],
})
const attribute = (id: string, rank: string) => ({
  id,
  name: id,
  datatype_id: 'text',
  base: 'string',
  multi_valued: false,
  default_value: null,
  description: '',
  rank,
})
const schema = {
  ref: { seq: 4 },
  types: [
    {
      id: 'req',
      category: 'item',
      name: 'Requirement',
      description: '',
      rank: 'V',
      presentation: { style: 'requirement', title: 'a', text: 'b' },
      attributes: [attribute('a', 'F'), attribute('b', 'V'), attribute('c', 'l')],
    },
  ],
  datatypes: [datatype('rich', 'xhtml'), datatype('text', 'string')],
} as unknown as ProjectSchema
const [requirement] = schema.types
if (!requirement) throw new Error('the schema has no type')

const order = (of: ProjectSchema): string[] => of.types[0]?.attributes.map((entry) => entry.id) ?? []

describe('a schema that was edited', () => {
  it('shows a moved attribute in its new place, by one write', () => {
    const operations = moveAttribute(requirement, 2, 0)
    expect(operations).toHaveLength(1)
    expect(order(applyOperations(schema, operations))).toEqual(['c', 'a', 'b'])
    expect(order(applyOperations(schema, moveAttribute(requirement, 0, 1)))).toEqual(['b', 'a', 'c'])
  })

  it('ranks all anew where two stand at the same rank', () => {
    const tied = {
      ...requirement,
      attributes: [attribute('a', 'V'), attribute('b', 'V'), attribute('c', 'V')],
    }
    const operations = moveAttribute(tied, 2, 1)
    expect(operations).toHaveLength(3)
    expect(order(applyOperations({ ...schema, types: [tied] }, operations))).toEqual(['a', 'c', 'b'])
  })

  it('gives a new type of items a title and a text', () => {
    const { id, operations } = createType(schema, 'item', 'Risk')
    const made = applyOperations(schema, operations).types.find((type) => type.id === id)
    expect(made?.attributes.map((entry) => [entry.name, entry.base])).toEqual([
      ['Title', 'string'],
      ['Text', 'xhtml'],
    ])
    expect(made?.presentation.title).toBe(made?.attributes[0]?.id)
  })

  it('adds attributes last and takes their base from the datatype', () => {
    const made = applyOperations(schema, createAttribute(requirement, 'rich', 'Note').operations)
    expect(made.types[0]?.attributes.at(-1)).toMatchObject({ name: 'Note', base: 'xhtml' })
  })

  it('frees the title when its attribute goes', () => {
    const [title] = requirement.attributes
    if (!title) throw new Error('no title')
    const made = applyOperations(schema, deleteAttribute(requirement, title))
    expect(made.types[0]?.presentation).toEqual({ style: 'requirement', title: null, text: 'b' })
    expect(order(made)).toEqual(['b', 'c'])
  })

  it('changes one limit and leaves the others', () => {
    const { id, operations } = createDatatype('integer', 'Speed')
    const made = applyOperations(schema, [
      ...operations,
      change('datatype', id, { constraints: { min: '0' } }),
      change('datatype', id, { constraints: { max: '9' } }),
    ])
    expect(made.datatypes.find((entry) => entry.id === id)?.constraints).toEqual({ min: '0', max: '9' })
  })

  it('deletes a type with its attributes', () => {
    expect(applyOperations(schema, deleteType(requirement)).types).toEqual([])
  })
})

describe('misfit', () => {
  it('names what a default should have been', () => {
    expect(misfit('integer', '1.5')).toBe('integer')
    expect(misfit('integer', '-12')).toBeNull()
    expect(misfit('real', 'much')).toBe('real')
    expect(misfit('real', '1e-3')).toBeNull()
    expect(misfit('string', 'much')).toBeNull()
  })
})

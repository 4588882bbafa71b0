import { describe, expect, it } from 'vitest'
import type { ItemType, Row } from '@/api/types'
import {
  moved,
  outlineOf,
  placeFor,
  placeForDrop,
  placeForNew,
  sibling,
  topmost,
  unfolded,
  without,
  withRow,
  type OutlineRow,
  type Place,
  type Zone,
} from './outline'

/** Builds an outline from names indented by two spaces a level. */
function outline(text: string): OutlineRow[] {
  const lines = text.split('\n').filter(Boolean)
  const parents: number[] = []
  return lines.map((line, index) => {
    const level = (line.length - line.trimStart().length) / 2
    parents[level] = index
    const name = line.trim()
    const next = lines[index + 1]
    const below = next !== undefined && (next.length - next.trimStart().length) / 2 > level
    const parent = level === 0 ? -1 : (parents[level - 1] ?? -1)
    return [name, parent, level, name, name, 'requirement', name, '', below] as OutlineRow
  })
}

const rows = outline(`
a
  b
    c
  d
e`)
const at = (name: string) => rows.findIndex((row) => row[0] === name)

describe('unfolded', () => {
  it('hides what is below a folded row, and nothing else', () => {
    const names = (folded: string[]) => unfolded(rows, new Set(folded)).map((index) => rows[index]?.[0])
    expect(names([])).toEqual(['a', 'b', 'c', 'd', 'e'])
    expect(names(['b'])).toEqual(['a', 'b', 'd', 'e'])
    expect(names(['a', 'b'])).toEqual(['a', 'e'])
  })
})

describe('sibling', () => {
  it('skips what is below and stops at the parent', () => {
    expect(sibling(rows, at('b'), 1)).toBe(at('d'))
    expect(sibling(rows, at('d'), 1)).toBe(-1)
    expect(sibling(rows, at('e'), -1)).toBe(at('a'))
    expect(sibling(rows, at('c'), -1)).toBe(-1)
  })
})

describe('placeFor', () => {
  it('moves among siblings', () => {
    expect(placeFor(rows, at('d'), 'up')).toEqual({ parent_id: 'a', before: 'b' })
    expect(placeFor(rows, at('a'), 'down')).toEqual({ parent_id: null, after: 'e' })
    expect(placeFor(rows, at('a'), 'up')).toBeNull()
  })
  it('indents below the sibling above, and outdents behind the parent', () => {
    expect(placeFor(rows, at('d'), 'indent')).toEqual({ parent_id: 'b' })
    expect(placeFor(rows, at('b'), 'indent')).toBeNull()
    expect(placeFor(rows, at('c'), 'outdent')).toEqual({ parent_id: 'a', after: 'b' })
    expect(placeFor(rows, at('e'), 'outdent')).toBeNull()
  })
})

describe('placeForNew', () => {
  it('goes behind a row, first below it, or first of all', () => {
    expect(placeForNew(rows, at('b'), false)).toEqual({ parent_id: 'a', after: 'b' })
    expect(placeForNew(rows, at('b'), true)).toEqual({ parent_id: 'b', first: true })
    expect(placeForNew([], -1, false)).toEqual({ parent_id: null, first: true })
  })
})

describe('a change of the outline, shown before the server has answered', () => {
  const shape = (list: readonly OutlineRow[]) =>
    list.map((row) => `${'  '.repeat(row[2])}${row[0]}${row[8] ? '+' : ''}`)
  const parents = (list: readonly OutlineRow[]) => list.map((row) => list[row[1]]?.[0] ?? null)

  it('moves a row with what is below it', () => {
    const changed = moved(rows, at('b'), placeFor(rows, at('b'), 'down') as Place)
    expect(shape(changed)).toEqual(['a+', '  d', '  b+', '    c', 'e'])
    expect(parents(changed)).toEqual([null, 'a', 'a', 'b', null])
  })
  it('indents and outdents, and knows who has something below', () => {
    const indented = moved(rows, at('d'), placeFor(rows, at('d'), 'indent') as Place)
    expect(shape(indented)).toEqual(['a+', '  b+', '    c', '    d', 'e'])
    const outdented = moved(rows, at('c'), placeFor(rows, at('c'), 'outdent') as Place)
    expect(shape(outdented)).toEqual(['a+', '  b', '  c', '  d', 'e'])
    expect(parents(outdented)).toEqual([null, 'a', 'a', 'a', null])
  })
  it('takes rows out with what is below them', () => {
    expect(shape(without(rows, new Set(['b', 'e'])))).toEqual(['a+', '  d'])
    expect(shape(without(rows, new Set(['b', 'd'])))).toEqual(['a', 'e'])
  })
  it('puts a new row behind, below, first and last', () => {
    const row = ['x', -1, 0, 'x', null, 'requirement', 'x', '', false] as OutlineRow
    const put = (place: Place) => shape(withRow(rows, row, place))
    expect(put(placeForNew(rows, at('b'), false))).toEqual(['a+', '  b+', '    c', '  x', '  d', 'e'])
    expect(put(placeForNew(rows, at('e'), true))).toEqual(['a+', '  b+', '    c', '  d', 'e+', '  x'])
    expect(put({ parent_id: null, first: true })[0]).toBe('x')
    expect(put({ parent_id: 'b' })).toEqual(['a+', '  b+', '    c', '    x', '  d', 'e'])
    expect(put({ parent_id: null }).at(-1)).toBe('x')
  })
  it('leaves the old outline as it was', () => {
    const before = JSON.stringify(rows)
    moved(rows, at('b'), { parent_id: null, first: true })
    without(rows, new Set(['a']))
    expect(JSON.stringify(rows)).toBe(before)
  })
})

describe('placeForDrop', () => {
  const drop = (moving: string, name: string, zone: Zone, open = false) =>
    placeForDrop(rows, new Set([moving]), at(name), zone, open)

  it('goes above, below or into a row', () => {
    expect(drop('e', 'b', 'before')).toEqual({ parent_id: 'a', before: 'b' })
    expect(drop('e', 'b', 'after')).toEqual({ parent_id: 'a', after: 'b' })
    expect(drop('e', 'b', 'child')).toEqual({ parent_id: 'b' })
  })
  it('goes before the first child when the children are in sight', () => {
    expect(drop('e', 'a', 'after', true)).toEqual({ parent_id: 'a', first: true })
  })
  it('never goes into itself or what is below it', () => {
    expect(drop('a', 'a', 'child')).toBeNull()
    expect(drop('a', 'c', 'before')).toBeNull()
  })
})

describe('topmost', () => {
  it('leaves out what stands below another one', () => {
    expect(topmost(rows, new Set(['c', 'b', 'e'])).map((row) => row[0])).toEqual(['b', 'e'])
  })
})

describe('outlineOf', () => {
  it('makes the beginning of an outline of the first rows', () => {
    const item = { id: 'i', key: 'K-1', title: 'Brakes', type_id: 'heading' }
    const first = [
      { placement_id: 'p', parent_id: null, level: 0, number: '1', item },
      { placement_id: 'q', parent_id: 'p', level: 1, number: '', item: null },
    ] as unknown as Row[]
    const types = [{ id: 'heading', presentation: { style: 'heading' } }] as unknown as ItemType[]
    expect(outlineOf(first, { types })).toEqual([
      ['p', -1, 0, 'i', 'K-1', 'heading', 'Brakes', '1', true],
      ['q', 0, 1, null, null, 'requirement', '', '', false],
    ])
  })
})

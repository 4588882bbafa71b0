import { describe, expect, it } from 'vitest'
import { placeFor, placeForNew, sibling, unfolded, type OutlineRow } from './outline'

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

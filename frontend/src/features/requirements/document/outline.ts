import type { OutlineAnswer } from '@/api/types'

export type OutlineRow = OutlineAnswer['rows'][number]

/** The fields of a compact outline row, by position. */
export const COLUMN = {
  placement: 0,
  parent: 1,
  level: 2,
  item: 3,
  key: 4,
  style: 5,
  title: 6,
  number: 7,
  children: 8,
} as const

/** Returns the positions in the outline of what is shown when some placements are folded. */
export function unfolded(rows: readonly OutlineRow[], folded: ReadonlySet<string>): number[] {
  const shown: number[] = []
  let hiddenBelow = Infinity
  rows.forEach((row, index) => {
    if (row[COLUMN.level] > hiddenBelow) return
    hiddenBelow = folded.has(row[COLUMN.placement]) ? row[COLUMN.level] : Infinity
    shown.push(index)
  })
  return shown
}

export interface Place {
  parent_id: string | null
  after?: string
  before?: string
  first?: boolean
}

const placementAt = (rows: readonly OutlineRow[], index: number): string | null =>
  rows[index]?.[COLUMN.placement] ?? null

/** Returns the sibling before or after a row, or -1. */
export function sibling(rows: readonly OutlineRow[], index: number, step: 1 | -1): number {
  const row = rows[index]
  if (!row) return -1
  for (let at = index + step; at >= 0 && at < rows.length; at += step) {
    const level = (rows[at] as OutlineRow)[COLUMN.level]
    if (level < row[COLUMN.level]) return -1
    if (level === row[COLUMN.level]) return at
  }
  return -1
}

export type Direction = 'up' | 'down' | 'indent' | 'outdent'

/** Returns where a row goes when it is moved or indented; null when there is no such place. */
export function placeFor(rows: readonly OutlineRow[], index: number, direction: Direction): Place | null {
  const row = rows[index]
  if (!row) return null
  const parent = row[COLUMN.parent]
  if (direction === 'up' || direction === 'down') {
    const neighbour = placementAt(rows, sibling(rows, index, direction === 'up' ? -1 : 1))
    if (!neighbour) return null
    const place = { parent_id: placementAt(rows, parent) }
    return direction === 'up' ? { ...place, before: neighbour } : { ...place, after: neighbour }
  }
  if (direction === 'indent') {
    const above = placementAt(rows, sibling(rows, index, -1))
    return above === null ? null : { parent_id: above }
  }
  const above = rows[parent]
  return above ? { parent_id: placementAt(rows, above[COLUMN.parent]), after: above[COLUMN.placement] } : null
}

/** Returns where something new goes: behind a row, or first below it. Without a row: first in the document. */
export function placeForNew(rows: readonly OutlineRow[], index: number, child: boolean): Place {
  const row = rows[index]
  if (!row) return { parent_id: null, first: true }
  if (child) return { parent_id: row[COLUMN.placement], first: true }
  return { parent_id: placementAt(rows, row[COLUMN.parent]), after: row[COLUMN.placement] }
}

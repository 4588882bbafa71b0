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

/** Returns the position behind a row and all that is below it. */
export function endOf(rows: readonly OutlineRow[], index: number): number {
  const level = rows[index]?.[COLUMN.level] ?? 0
  let end = index + 1
  while (end < rows.length && (rows[end] as OutlineRow)[COLUMN.level] > level) end += 1
  return end
}

/** The outline after rows have gone, with what is below them. */
export function without(rows: readonly OutlineRow[], placements: ReadonlySet<string>): OutlineRow[] {
  const left: OutlineRow[] = []
  for (let index = 0; index < rows.length;) {
    const row = rows[index] as OutlineRow
    if (placements.has(row[COLUMN.placement])) index = endOf(rows, index)
    else {
      left.push(row)
      index += 1
    }
  }
  return rebuilt(left, parentsOf(rows))
}

/** The outline with something new at a place. */
export function withRow(rows: readonly OutlineRow[], row: OutlineRow, place: Place): OutlineRow[] {
  const at = positionOf(rows, place)
  const parents = parentsOf(rows).set(row[COLUMN.placement], place.parent_id)
  return rebuilt([...rows.slice(0, at), row, ...rows.slice(at)], parents)
}

/** The outline after a row has moved to a place, with what is below it. */
export function moved(rows: readonly OutlineRow[], index: number, place: Place): OutlineRow[] {
  const end = endOf(rows, index)
  const block = rows.slice(index, end)
  const rest = [...rows.slice(0, index), ...rows.slice(end)]
  const parents = parentsOf(rows).set((rows[index] as OutlineRow)[COLUMN.placement], place.parent_id)
  const at = positionOf(rest, place)
  return rebuilt([...rest.slice(0, at), ...block, ...rest.slice(at)], parents)
}

function positionOf(rows: readonly OutlineRow[], { parent_id, after, before, first }: Place): number {
  const find = (placement: string) => rows.findIndex((row) => row[COLUMN.placement] === placement)
  if (before) return find(before)
  if (after) return endOf(rows, find(after))
  if (parent_id) return first ? find(parent_id) + 1 : endOf(rows, find(parent_id))
  return first ? 0 : rows.length
}

function parentsOf(rows: readonly OutlineRow[]): Map<string, string | null> {
  return new Map(
    rows.map((row) => [row[COLUMN.placement], rows[row[COLUMN.parent]]?.[COLUMN.placement] ?? null]),
  )
}

/** Works out parents, levels and whether something is below, of rows in reading order. Numbers stay as they are. */
function rebuilt(rows: readonly OutlineRow[], parents: ReadonlyMap<string, string | null>): OutlineRow[] {
  const indexes = new Map(rows.map((row, index) => [row[COLUMN.placement], index]))
  const result: OutlineRow[] = []
  for (const row of rows) {
    const parent = indexes.get(parents.get(row[COLUMN.placement]) ?? '') ?? -1
    const above = result[parent]
    const level = above ? above[COLUMN.level] + 1 : 0
    if (above && !above[COLUMN.children]) result[parent] = changed(above, COLUMN.children, true)
    const same =
      row[COLUMN.parent] === parent && row[COLUMN.level] === level && row[COLUMN.children] === false
    const copy = same ? row : ([...row] as OutlineRow)
    if (!same) {
      copy[COLUMN.parent] = parent
      copy[COLUMN.level] = level
      copy[COLUMN.children] = false
    }
    result.push(copy)
  }
  return result
}

function changed<K extends keyof OutlineRow & number>(
  row: OutlineRow,
  column: K,
  value: OutlineRow[K],
): OutlineRow {
  const copy = [...row] as OutlineRow
  copy[column] = value
  return copy
}

import type { OutlineAnswer, ProjectSchema, Row } from '@/api/types'

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

/** Returns the beginning of an outline, as the rows themselves tell it. */
export function outlineOf(rows: readonly Row[], { types }: Pick<ProjectSchema, 'types'>): OutlineRow[] {
  const indexes = new Map(rows.map((row, index) => [row.placement_id, index]))
  const styles = new Map(types.map((type) => [type.id, type.presentation.style]))
  return rows.map(({ placement_id, parent_id, level, number, item }, index) => [
    placement_id,
    indexes.get(parent_id ?? '') ?? -1,
    level,
    item?.id ?? null,
    item?.key ?? null,
    String(styles.get(item?.type_id ?? '') ?? 'requirement'),
    item?.title ?? '',
    number,
    (rows[index + 1]?.level ?? 0) > level,
  ])
}

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

/** Where something is dropped on a row: above it, below it, or into it. */
export type Zone = 'before' | 'after' | 'child'

/**
 * Returns where what is dropped on a row goes. Below an `open` row, one whose children are in sight, is before the
 * first of them. Nothing can go into itself or what is below it: null.
 */
export function placeForDrop(
  rows: readonly OutlineRow[],
  moving: ReadonlySet<string>,
  index: number,
  zone: Zone,
  open: boolean,
): Place | null {
  const row = rows[index]
  if (!row) return null
  for (let above: OutlineRow | undefined = row; above; above = rows[above[COLUMN.parent]]) {
    if (moving.has(above[COLUMN.placement])) return null
  }
  const placement = row[COLUMN.placement]
  if (zone === 'child') return { parent_id: placement }
  if (zone === 'after' && open) return { parent_id: placement, first: true }
  return { parent_id: placementAt(rows, row[COLUMN.parent]), [zone]: placement }
}

/** Returns those of some placements that stand below none of the others, in reading order. */
export function topmost(rows: readonly OutlineRow[], placements: ReadonlySet<string>): OutlineRow[] {
  const found: OutlineRow[] = []
  for (let index = 0; index < rows.length;) {
    const row = rows[index] as OutlineRow
    const isOne = placements.has(row[COLUMN.placement])
    if (isOne) found.push(row)
    index = isOne ? endOf(rows, index) : index + 1
  }
  return found
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

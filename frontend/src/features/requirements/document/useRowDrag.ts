import { computed, shallowRef, type Ref } from 'vue'
import { COLUMN, placeForDrop, topmost, type OutlineRow, type Place, type Zone } from './outline'

interface Context {
  rows: Ref<readonly OutlineRow[]>
  /** Positions in the outline of the rows that are not folded away. */
  shown: Ref<readonly number[]>
  selection: Ref<ReadonlySet<string>>
  isFolded: (row: OutlineRow) => boolean
  /** Called with what was dropped, in reading order, and where. */
  onDrop: (placements: string[], place: Place) => void
}

interface Target {
  position: number
  zone: Zone
  place: Place
}

/** How much of a row, at its top and at its bottom, means above and below; between them it means into. */
const EDGE = 0.3

/**
 * Moving rows with the pointer: from the grip of a row, which takes a selection along that it is part of. The handlers
 * are for the element around the rows, so that rows may come and go meanwhile; keys do the same with Alt+Shift+arrows.
 */
export function useRowDrag({ rows, shown, selection, isFolded, onDrop }: Context) {
  const moving = shallowRef<readonly string[]>([])
  const target = shallowRef<Target | null>(null)
  const movingSet = computed(() => new Set(moving.value))

  const rowOf = (event: Event): HTMLElement | null =>
    (event.target as HTMLElement).closest<HTMLElement>('[data-position]')
  const outlineAt = (position: number): OutlineRow | undefined => rows.value[shown.value[position] ?? -1]

  function start(event: DragEvent): void {
    const element = rowOf(event)
    const row = outlineAt(Number(element?.dataset.position))
    if (!element || !row || !event.dataTransfer || !(event.target as HTMLElement).dataset.grip) return
    const placement = row[COLUMN.placement]
    const taken = selection.value.has(placement) ? selection.value : new Set([placement])
    moving.value = topmost(rows.value, taken).map((entry) => entry[COLUMN.placement])
    event.dataTransfer.effectAllowed = 'move'
    event.dataTransfer.setData('text/plain', row[COLUMN.key] ?? row[COLUMN.title])
    event.dataTransfer.setDragImage(element, 0, 0)
  }

  function over(event: DragEvent): void {
    if (moving.value.length === 0) return
    target.value = targetOf(event, target.value)
    if (!target.value) return
    event.preventDefault()
    if (event.dataTransfer) event.dataTransfer.dropEffect = 'move'
  }

  function targetOf(event: DragEvent, before: Target | null): Target | null {
    const element = rowOf(event)
    if (!element) return null
    const position = Number(element.dataset.position)
    const { top, height } = element.getBoundingClientRect()
    const part = (event.clientY - top) / height
    const zone = part < EDGE ? 'before' : part > 1 - EDGE ? 'after' : 'child'
    if (before?.position === position && before.zone === zone) return before
    const row = outlineAt(position)
    const open = row !== undefined && row[COLUMN.children] && !isFolded(row)
    const place = placeForDrop(rows.value, movingSet.value, shown.value[position] ?? -1, zone, open)
    return place && { position, zone, place }
  }

  function drop(event: DragEvent): void {
    const [placements, found] = [moving.value, target.value]
    end()
    if (!found || placements.length === 0) return
    event.preventDefault()
    onDrop([...placements], found.place)
  }

  function end(): void {
    moving.value = []
    target.value = null
  }

  return {
    handlers: { dragstart: start, dragover: over, drop, dragend: end },
    /** Where on the row at a position something would be dropped now. */
    zoneAt: (position: number): Zone | null =>
      target.value?.position === position ? target.value.zone : null,
    isMoving: (placement: string): boolean => movingSet.value.has(placement),
  }
}

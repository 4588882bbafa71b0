import { computed, nextTick, ref, type Ref } from 'vue'
import { COLUMN, type OutlineRow } from './outline'

/** What a key does in a treegrid; `null` leaves it to others. */
export type KeyAction =
  | { kind: 'row'; by: number }
  | { kind: 'cell'; by: number }
  | { kind: 'move'; direction: 'up' | 'down' | 'indent' | 'outdent' }
  | { kind: 'extend'; by: number }
  | { kind: 'edit' | 'add' | 'addChild' | 'select' | 'remove' | 'peek' | 'in' | 'out' | 'clear' }

const FAR = 1e9
const PAGE_STEP = 10

/** Maps keys after the WAI-ARIA treegrid pattern; `cells` says whether left and right walk over cells. */
export function keyAction(event: KeyboardEvent, cells: boolean): KeyAction | null {
  const { key, shiftKey, altKey } = event
  if (event.ctrlKey || event.metaKey) {
    if (key === 'Home' || key === 'End') return { kind: 'row', by: key === 'Home' ? -FAR : FAR }
    return null
  }
  if (altKey) {
    if (!shiftKey) return null
    const directions = {
      ArrowUp: 'up',
      ArrowDown: 'down',
      ArrowRight: 'indent',
      ArrowLeft: 'outdent',
    } as const
    const direction = directions[key as keyof typeof directions]
    return direction ? { kind: 'move', direction } : null
  }
  if (shiftKey && (key === 'ArrowDown' || key === 'ArrowUp')) {
    return { kind: 'extend', by: key === 'ArrowDown' ? 1 : -1 }
  }
  switch (key) {
    case 'ArrowDown':
    case 'j':
      return { kind: 'row', by: 1 }
    case 'ArrowUp':
    case 'k':
      return { kind: 'row', by: -1 }
    case 'PageDown':
      return { kind: 'row', by: PAGE_STEP }
    case 'PageUp':
      return { kind: 'row', by: -PAGE_STEP }
    case 'Home':
      return { kind: cells ? 'cell' : 'row', by: -FAR }
    case 'End':
      return { kind: cells ? 'cell' : 'row', by: FAR }
    case 'ArrowRight':
      return cells ? { kind: 'cell', by: 1 } : { kind: 'in' }
    case 'ArrowLeft':
      return cells ? { kind: 'cell', by: -1 } : { kind: 'out' }
    case 'Enter':
    case 'F2':
      return { kind: 'edit' }
    case 'c':
      return { kind: 'add' }
    case 'C':
      return { kind: 'addChild' }
    case 'x':
    case 'X':
      return { kind: 'select' }
    case 'Delete':
      return { kind: 'remove' }
    case ' ':
      return { kind: 'peek' }
    case 'Escape':
      return { kind: 'clear' }
    default:
      return null
  }
}

/** The one row, and in a grid the one cell, that has the focus; by placement, so that it survives a refetch. */
export function useFocus(
  rows: Ref<readonly OutlineRow[]>,
  shown: Ref<readonly number[]>,
  indexOf: Ref<ReadonlyMap<string, number>>,
) {
  const placement = ref<string | null>(null)
  const column = ref(0)
  const positionOf = computed(() => new Map(shown.value.map((index, position) => [index, position])))
  let lastPosition = 0

  /** The position of the focus among the shown rows. What is gone leaves it where it stood. */
  const position = computed(() => {
    const index = indexOf.value.get(placement.value ?? '')
    const found = index === undefined ? undefined : positionOf.value.get(index)
    if (found !== undefined) lastPosition = found
    return Math.max(0, Math.min(shown.value.length - 1, found ?? lastPosition))
  })
  const index = computed(() => shown.value[position.value] ?? -1)
  const row = computed(() => rows.value[index.value])

  function to(wanted: number): void {
    const at = Math.max(0, Math.min(shown.value.length - 1, wanted))
    placement.value = rows.value[shown.value[at] ?? -1]?.[COLUMN.placement] ?? null
  }

  return { placement, column, position, index, row, to, positionOf }
}

/** Gives the DOM focus to a row or a cell once it is there. */
export async function focusElement(root: HTMLElement | null | undefined, selector: string): Promise<void> {
  for (let attempt = 0; attempt < 20; attempt += 1) {
    await nextTick()
    const element = root?.querySelector<HTMLElement>(selector)
    if (element) {
      element.focus({ preventScroll: true })
      return
    }
    await new Promise((resolve) => requestAnimationFrame(resolve))
  }
}

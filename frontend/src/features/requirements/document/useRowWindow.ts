import { defaultRangeExtractor, useVirtualizer, type Range } from '@tanstack/vue-virtual'
import { computed, nextTick, watch, type Ref } from 'vue'
import { COLUMN, type OutlineRow } from './outline'

const GRID_ROW = 36
const DOCUMENT_ROW = 76
const OVERSCAN = 8

interface Context {
  scroller: Readonly<Ref<HTMLElement | null>>
  rows: Ref<readonly OutlineRow[]>
  /** Positions in the outline of the rows that are not folded away. */
  shown: Ref<readonly number[]>
  /** Position among the shown rows of the one with the focus. */
  focused: Ref<number>
  layout: Ref<'document' | 'grid'>
}

/**
 * The few rows that are in the page: those in sight, and the one with the focus, which stays wherever the page is
 * scrolled to, so that keys still reach it and nothing that is being typed is lost.
 */
export function useRowWindow({ scroller, rows, shown, focused, layout }: Context) {
  const virtualizer = useVirtualizer(
    computed(() => ({
      count: shown.value.length,
      getScrollElement: () => scroller.value,
      estimateSize: () => (layout.value === 'grid' ? GRID_ROW : DOCUMENT_ROW),
      overscan: OVERSCAN,
      rangeExtractor: (range: Range) => withFocused(defaultRangeExtractor(range), focused.value, range.count),
      getItemKey: (position: number) =>
        rows.value[shown.value[position] ?? -1]?.[COLUMN.placement] ?? position,
    })),
  )
  watch(layout, async () => {
    virtualizer.value.measure()
    await nextTick()
    virtualizer.value.scrollToIndex(focused.value, { align: 'center' })
  })
  return {
    virtualizer,
    items: computed(() => virtualizer.value.getVirtualItems()),
    height: computed(() => virtualizer.value.getTotalSize()),
    /** Brings a row into sight. */
    scrollTo: (position: number, align: 'auto' | 'center' = 'auto') =>
      virtualizer.value.scrollToIndex(position, { align }),
    measure: (element: unknown) => virtualizer.value.measureElement(element as HTMLElement | null),
  }
}

/** Adds the position of the focus to those in sight, in order. */
export function withFocused(positions: readonly number[], focused: number, count: number): number[] {
  if (focused < 0 || focused >= count || positions.includes(focused)) return [...positions]
  return [...positions, focused].sort((a, b) => a - b)
}

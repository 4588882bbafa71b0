import { computed, shallowRef, type Ref } from 'vue'
import { COLUMN, unfolded, type OutlineRow } from './outline'

/** Which rows hide what is below them. */
export function useFolding(rows: Ref<readonly OutlineRow[]>) {
  const folded = shallowRef<ReadonlySet<string>>(new Set())
  const shown = computed(() => unfolded(rows.value, folded.value))

  function fold(row: OutlineRow, close: boolean): void {
    const next = new Set(folded.value)
    if (close) next.add(row[COLUMN.placement])
    else next.delete(row[COLUMN.placement])
    folded.value = next
  }

  /** Opens whatever hides a row. */
  function unfoldAbove(row: OutlineRow): void {
    const open = new Set(folded.value)
    for (let above = rows.value[row[COLUMN.parent]]; above; above = rows.value[above[COLUMN.parent]]) {
      open.delete(above[COLUMN.placement])
    }
    if (open.size !== folded.value.size) folded.value = open
  }

  return { shown, fold, unfoldAbove, isFolded: (row: OutlineRow) => folded.value.has(row[COLUMN.placement]) }
}

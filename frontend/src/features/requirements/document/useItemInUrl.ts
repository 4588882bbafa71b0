import { watch, type Ref } from 'vue'
import { onBeforeRouteLeave, onBeforeRouteUpdate } from 'vue-router'
import { useUrlState } from '@/shared/composables/useUrlState'
import { COLUMN, type OutlineRow } from './outline'

interface Context {
  rows: Ref<readonly OutlineRow[]>
  isWhole: Ref<boolean>
  focused: Ref<number>
  select: (row: number) => unknown
}

const WRITE_AFTER_MS = 200

/** Keeps the focused item in the address: read when the page opens and on Back, written when the focus moves. */
export function useItemInUrl({ rows, isWhole, focused, select }: Context): void {
  const item = useUrlState('item')
  const keyAt = (at: number): string => rows.value[at]?.[COLUMN.key] ?? ''
  watch(
    [item, () => rows.value.length > 0, isWhole],
    ([key]) => {
      if (!key || key === keyAt(focused.value)) return
      const found = rows.value.findIndex((row) => row[COLUMN.key] === key)
      if (found >= 0) void select(found)
    },
    { flush: 'post', immediate: true },
  )
  let writing = 0
  watch([focused, isWhole], ([now]) => {
    clearTimeout(writing)
    writing = window.setTimeout(() => {
      // What the address names may stand in rows that are not read yet.
      if (isWhole.value && keyAt(now)) item.value = keyAt(now)
    }, WRITE_AFTER_MS)
  })
  // To write while the next page is on its way would call the way to it off.
  onBeforeRouteLeave(() => clearTimeout(writing))
  onBeforeRouteUpdate((to, from) => {
    if (to.path !== from.path) clearTimeout(writing)
  })
}

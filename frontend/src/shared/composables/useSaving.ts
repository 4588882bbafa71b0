import { onScopeDispose, readonly, ref } from 'vue'
import { whenSavingChanges } from '@/api/database'

const saves = ref(true)
whenSavingChanges((now) => {
  saves.value = now
})

/** Says whether the server can save at present, and calls `onChange` whenever that changes. */
export function useSaving(onChange: (saves: boolean) => void) {
  onScopeDispose(whenSavingChanges(onChange))
  return { saves: readonly(saves) }
}

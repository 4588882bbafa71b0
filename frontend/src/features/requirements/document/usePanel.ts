import { useLocalStorage } from '@vueuse/core'
import { computed } from 'vue'
import { useUrlState } from '@/shared/composables/useUrlState'

/** The panel beside the rows, in the address. A pinned one is there again in every document. */
export function usePanel() {
  const panel = useUrlState('panel')
  const pinned = useLocalStorage('reqtrail-pinned-panel', false)
  if (pinned.value && !panel.value) panel.value = 'details'
  const tab = computed({
    get: () => (panel.value === 'links' || panel.value === 'history' ? panel.value : ('details' as const)),
    set: (value: 'details' | 'links' | 'history') => (panel.value = value),
  })

  function togglePanel(): void {
    panel.value = panel.value ? '' : 'details'
  }

  return { panel, pinned, tab, togglePanel }
}

import { useMediaQuery } from '@vueuse/core'
import { computed, type WritableComputedRef } from 'vue'
import { usePreferences } from '@/shared/composables/usePreferences'
import { useUrlState } from '@/shared/composables/useUrlState'
import type { Filter } from './compareModel'

export type Layout = 'unified' | 'split'

export interface CompareView {
  filter: WritableComputedRef<Filter>
  layout: WritableComputedRef<Layout>
  onlyChanged: WritableComputedRef<boolean>
}

const FILTERS: readonly Filter[] = ['all', 'content', 'structure', 'links', 'schema']

/** How a comparison is shown. All of it is in the address, so that a shared link shows the same. */
export function useCompareView(): CompareView {
  const preferences = usePreferences()
  const narrow = useMediaQuery('(max-width: 40rem)')
  const show = useUrlState('show')
  const view = useUrlState('view')
  const whole = useUrlState('whole')
  return {
    filter: computed({
      get: () => FILTERS.find((filter) => filter === show.value) ?? 'all',
      set: (value) => {
        show.value = value === 'all' ? '' : value
      },
    }),
    layout: computed({
      get: () => {
        if (narrow.value) return 'unified'
        return view.value === 'split' || view.value === 'unified' ? view.value : preferences.compareLayout
      },
      set: (value) => {
        preferences.compareLayout = value
        view.value = value
      },
    }),
    onlyChanged: computed({
      get: () => whole.value !== '1',
      set: (value) => {
        whole.value = value ? '' : '1'
      },
    }),
  }
}

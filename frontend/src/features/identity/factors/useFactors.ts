import { useQuery, useQueryClient } from '@tanstack/vue-query'
import { ref, shallowRef } from 'vue'
import { ApiError } from '@/api/errors'
import { keys } from '@/api/keys'
import { useNotify } from '@/shared/composables/useNotify'
import { getFactors } from './factors.api'

/** One's own factors, and changes of them, which may ask for a proof first and then go on. */
export function useFactors() {
  const cache = useQueryClient()
  const notify = useNotify()
  const { data: factors, error, refetch } = useQuery({ queryKey: keys.factors(), queryFn: getFactors })
  const codes = shallowRef<string[]>([])
  const proving = ref(false)
  let waiting: (() => Promise<void>) | null = null

  /** Does `work` now, or after a proof if the sign-in is too old for it. */
  async function change(work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (reason) {
      if (!(reason instanceof ApiError) || reason.code !== 'reauthentication_needed') {
        notify.failure(reason)
        return
      }
      waiting = work
      proving.value = true
      return
    }
    await cache.invalidateQueries({ queryKey: keys.factors() })
  }

  async function proven(): Promise<void> {
    const work = waiting
    waiting = null
    if (work) await change(work)
  }

  /** Shows new recovery codes until the person says that they have kept them. */
  function show(made: string[]): void {
    if (made.length) codes.value = made
  }

  return { factors, error, refetch, codes, proving, change, proven, show }
}

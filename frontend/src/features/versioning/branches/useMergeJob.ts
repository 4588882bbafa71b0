import { useMutation, useQuery, useQueryClient } from '@tanstack/vue-query'
import { computed, toValue, watch, type MaybeRefOrGetter } from 'vue'
import { keys } from '@/api/keys'
import type { MergeJob } from '@/api/types'
import { isRunning, useJob } from '@/features/jobs'
import { useNotify } from '@/shared/composables/useNotify'
import { useUrlState } from '@/shared/composables/useUrlState'
import { cancelMerge, listMergeJobs } from './branches.api'

/**
 * The merge of a branch that a worker does. The address names it, so that a reload finds it again; whoever comes without
 * one finds what is still under way.
 */
export function useMergeJob(project: MaybeRefOrGetter<string>, branch: MaybeRefOrGetter<string>) {
  const cache = useQueryClient()
  const notify = useNotify()
  const id = useUrlState('job')
  const key = computed(() => keys.mergeJobs(toValue(project), toValue(branch)))
  const list = useQuery({
    queryKey: key,
    queryFn: () => listMergeJobs(toValue(project), toValue(branch)),
    // What ran when somebody was here last may have ended, and another one begun.
    staleTime: 0,
    retry: false,
  })
  const { job, error, refetch } = useJob(project, id)
  const running = computed(() => job.value !== undefined && id.value !== '' && isRunning(job.value))

  watch(
    () => list.data.value,
    (found) => {
      const one = found?.find((item) => isRunning(item.job))
      if (one && !id.value) id.value = one.job.id
    },
    { immediate: true },
  )
  watch(running, async (now, before) => {
    if (now || !before) return
    await Promise.all(
      [keys.at(toValue(project)), keys.log(toValue(project)), key.value].map((queryKey) =>
        cache.invalidateQueries({ queryKey }),
      ),
    )
  })

  const cancelling = useMutation({
    mutationFn: () => cancelMerge(toValue(project), id.value),
    onError: (reason) => notify.failure(reason),
    onSettled: () => refetch(),
  })

  return {
    id,
    job: computed(() => (id.value ? job.value : undefined)),
    error: computed(() => (id.value ? error.value : null)),
    refetch,
    /** Whether it is known by now if anything is under way. */
    isKnown: computed(
      () => !list.isPending.value && (!id.value || job.value !== undefined || Boolean(error.value)),
    ),
    asked: computed<MergeJob | undefined>(() => list.data.value?.find((item) => item.job.id === id.value)),
    cancel: () => cancelling.mutate(),
    cancelling: computed(() => cancelling.isPending.value || Boolean(job.value?.cancel_requested)),
  }
}

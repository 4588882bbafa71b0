import { useQuery } from '@tanstack/vue-query'
import { computed, toValue, type MaybeRefOrGetter } from 'vue'
import { keys } from '@/api/keys'
import type { Baseline } from '@/api/types'
import { listBaselines } from './baselines.api'

/** The baselines of a project, the newest first. */
export function useBaselines(project: MaybeRefOrGetter<string>) {
  const query = useQuery({
    queryKey: computed(() => keys.baselines(toValue(project))),
    queryFn: () => listBaselines(toValue(project)),
    enabled: computed(() => toValue(project) !== ''),
  })
  return { ...query, baselines: computed<Baseline[]>(() => query.data.value ?? []) }
}

import { useQuery } from '@tanstack/vue-query'
import { computed, toValue, type MaybeRefOrGetter } from 'vue'
import { keys } from '@/api/keys'
import type { Branch } from '@/api/types'
import { listBranches } from './branches.api'

/** The branches of a project, the oldest first: the root branch is the first one. */
export function useBranches(project: MaybeRefOrGetter<string>, enabled: MaybeRefOrGetter<boolean> = true) {
  const query = useQuery({
    queryKey: computed(() => keys.branches(toValue(project))),
    queryFn: () => listBranches(toValue(project)),
    enabled: computed(() => toValue(enabled) && Boolean(toValue(project))),
  })
  return { ...query, branches: computed<Branch[]>(() => query.data.value ?? []) }
}

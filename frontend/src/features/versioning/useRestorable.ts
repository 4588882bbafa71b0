import { useQuery } from '@tanstack/vue-query'
import { computed, toValue, type MaybeRefOrGetter } from 'vue'
import { keys } from '@/api/keys'
import type { Branch, Ref } from '@/api/types'
import { useProject } from '@/features/projects'
import { useBranches } from '@/shared/composables/useBranches'
import { resolveRef } from './versioning.api'

/** A version of the past that is looked at, and the open branch that it can be brought back to. */
export function useRestorable(project: MaybeRefOrGetter<string>) {
  const { at, branch, canWrite } = useProject(project)
  const { branches } = useBranches(project, () => at.value !== '')
  const { data } = useQuery({
    queryKey: computed(() => keys.ref(toValue(project), at.value)),
    queryFn: () => resolveRef(toValue(project), at.value),
    enabled: computed(() => at.value !== ''),
  })
  return computed<{ source: Ref; target: Branch } | null>(() => {
    if (!canWrite.value || !data.value || at.value === '' || branch.value?.state === 'open') return null
    const target = branches.value.find((one) => one.name === data.value?.branch && one.state === 'open')
    return target ? { source: data.value, target } : null
  })
}

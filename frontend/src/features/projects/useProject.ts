import { useQuery } from '@tanstack/vue-query'
import { computed, toValue, type MaybeRefOrGetter } from 'vue'
import { useRoute } from 'vue-router'
import { keys } from '@/api/keys'
import type { Permission } from '@/api/types'
import { useBranches } from '@/shared/composables/useBranches'
import { getProject } from './projects.api'

/**
 * The project, what the person may do in it, and which version the address names (`?at=`). The head of an open branch
 * can be written to as the newest version can; all other versions are for reading.
 */
export function useProject(project: MaybeRefOrGetter<string>) {
  const route = useRoute()
  const query = useQuery({
    queryKey: computed(() => keys.info(toValue(project))),
    queryFn: () => getProject(toValue(project)),
    enabled: computed(() => Boolean(toValue(project))),
  })
  const at = computed(() => (typeof route.query.at === 'string' ? route.query.at : ''))
  const { branches } = useBranches(
    project,
    computed(() => at.value !== ''),
  )
  const branch = computed(() =>
    at.value === '' ? null : (branches.value.find((one) => one.name === at.value) ?? null),
  )
  const can = (permission: Permission) => query.data.value?.permissions.includes(permission) ?? false
  const writer = computed(() => !query.data.value?.archived && can('item:write'))
  return {
    project: query.data,
    error: query.error,
    isPending: query.isPending,
    refetch: query.refetch,
    /** Whether the person has a permission in the project, as the API tells; what it refuses is hidden or explained. */
    can,
    at,
    /** The branch whose head the address names; null for the root branch and for other versions. */
    branch,
    /** Whether the person may write to the project at all. */
    canWrite: writer,
    /** Whether what is shown can be changed: a writer, at the head of an open branch. */
    canEdit: computed(() => {
      if (!writer.value) return false
      if (at.value === '') return true
      return branch.value?.state === 'open' && (!branch.value.protected || can('branch:protect'))
    }),
  }
}

import { useQuery } from '@tanstack/vue-query'
import { computed, toValue, type MaybeRefOrGetter } from 'vue'
import { useRoute } from 'vue-router'
import { keys } from '@/api/keys'
import { getProject } from './projects.api'

/** The project, what the person may do in it, and which version the address names (`?at=`). */
export function useProject(project: MaybeRefOrGetter<string>) {
  const route = useRoute()
  const query = useQuery({
    queryKey: computed(() => keys.info(toValue(project))),
    queryFn: () => getProject(toValue(project)),
    enabled: computed(() => Boolean(toValue(project))),
  })
  const at = computed(() => (typeof route.query.at === 'string' ? route.query.at : ''))
  const role = computed(() => query.data.value?.role)
  return {
    project: query.data,
    error: query.error,
    isPending: query.isPending,
    refetch: query.refetch,
    at,
    /** Whether what is shown can be changed: a writer, at the newest version. */
    canEdit: computed(
      () => !at.value && !query.data.value?.archived && (role.value === 'owner' || role.value === 'editor'),
    ),
    isOwner: computed(() => role.value === 'owner'),
  }
}

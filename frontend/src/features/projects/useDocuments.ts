import { useQuery } from '@tanstack/vue-query'
import { computed, toValue, type MaybeRefOrGetter } from 'vue'
import { keys } from '@/api/keys'
import { listDocuments } from './projects.api'

/** The documents of a project at a version, in order; `active` leaves out the archived ones. */
export function useDocuments(project: MaybeRefOrGetter<string>, at: MaybeRefOrGetter<string>) {
  const query = useQuery({
    queryKey: computed(() => keys.documents(toValue(project), toValue(at))),
    queryFn: () => listDocuments(toValue(project), toValue(at)),
    enabled: computed(() => Boolean(toValue(project))),
  })
  return {
    documents: computed(() => query.data.value ?? []),
    active: computed(() => (query.data.value ?? []).filter((document) => !document.archived)),
    archived: computed(() => (query.data.value ?? []).filter((document) => document.archived)),
    isPending: query.isPending,
    error: query.error,
    refetch: query.refetch,
  }
}

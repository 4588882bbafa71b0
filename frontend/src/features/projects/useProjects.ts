import { useQuery } from '@tanstack/vue-query'
import { computed } from 'vue'
import { keys } from '@/api/keys'
import { listProjects } from './projects.api'

/** All projects that the person can see. */
export function useProjects() {
  const query = useQuery({ queryKey: keys.projects(), queryFn: listProjects })
  return {
    projects: computed(() => query.data.value ?? []),
    active: computed(() => (query.data.value ?? []).filter((project) => !project.archived)),
    isPending: query.isPending,
    error: query.error,
    refetch: query.refetch,
  }
}

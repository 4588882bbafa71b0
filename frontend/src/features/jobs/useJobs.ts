import { useInfiniteQuery, useQuery, useQueryClient } from '@tanstack/vue-query'
import { computed, toValue, watch, type MaybeRefOrGetter } from 'vue'
import { keys } from '@/api/keys'
import type { Job } from '@/api/types'
import { useAnnouncer } from '@/shared/composables/useAnnouncer'
import { t } from '@/shared/i18n'
import { isRunning, nameOf, stateOf } from './jobs'
import { getJob, listJobs, type JobScope, type JobSearch } from './jobs.api'

// Of a tab that nobody sees the query library asks for nothing.
const POLL_MS = 2_000

/** The jobs that `search` finds, a page at a time, asked for again while one of them runs. */
export function useJobs(scope: JobScope, search: JobSearch) {
  const query = useInfiniteQuery({
    queryKey: computed(() => keys.jobs(scope, { ...search })),
    queryFn: ({ pageParam }) => listJobs(scope, search, pageParam),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next ?? undefined,
    refetchInterval: ({ state }) =>
      state.data?.pages.some((page) => page.jobs.some(isRunning)) ? POLL_MS : false,
  })
  const jobs = computed(() => query.data.value?.pages.flatMap((page) => page.jobs) ?? [])
  useEndsTold(() => jobs.value)
  return { ...query, jobs, isFiltered: computed(() => search.state !== '' || search.kind !== '') }
}

/** One job, followed until it has ended. */
export function useJob(project: MaybeRefOrGetter<string>, id: MaybeRefOrGetter<string>) {
  const query = useQuery({
    queryKey: computed(() => keys.job(toValue(project), toValue(id))),
    queryFn: () => getJob(toValue(project), toValue(id)),
    enabled: computed(() => Boolean(toValue(id))),
    refetchInterval: ({ state }) => (state.data && isRunning(state.data) ? POLL_MS : false),
  })
  useEndsTold(() => (query.data.value ? [query.data.value] : []))
  return { job: query.data, error: query.error, refetch: query.refetch }
}

/** Has everything that shows jobs ask for them again. */
export function useJobsChanged(): () => Promise<unknown> {
  const cache = useQueryClient()
  return () => cache.invalidateQueries({ predicate: ({ queryKey }) => queryKey.includes('jobs') })
}

/** Tells those who do not see the list that a job has ended which ran before. */
function useEndsTold(jobs: () => readonly Job[]): void {
  const { announce } = useAnnouncer()
  watch(jobs, (now, before) => {
    const ran = new Set(before.filter(isRunning).map((job) => job.id))
    const ended = now.filter((job) => ran.has(job.id) && !isRunning(job))
    if (ended.length === 0) return
    announce(ended.map((job) => t('jobs.became', { name: nameOf(job), state: stateOf(job) })).join(' '))
  })
}

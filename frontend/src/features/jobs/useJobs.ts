import { useInfiniteQuery, useQuery, useQueryClient, type InfiniteData } from '@tanstack/vue-query'
import { computed, ref, toValue, watch, watchEffect, type MaybeRefOrGetter } from 'vue'
import { keys } from '@/api/keys'
import type { Job, JobPage } from '@/api/types'
import { useAnnouncer } from '@/shared/composables/useAnnouncer'
import { t } from '@/shared/i18n'
import { readJobs, useFollowing } from './follow'
import { findingOf, isRunning, isSettled, nameOf, stateOf } from './jobs'
import { getJob, listJobs, type JobScope, type JobSearch } from './jobs.api'

/** How often is asked what is not told. Of a tab that nobody sees the query library asks for nothing. */
const POLL_MS = 3_000

/** Returns how often the jobs that `data` holds are asked for: not at all if they are told of, or none gets on. */
const pollFor =
  <T>(following: boolean, jobs: (data: T) => readonly Job[]) =>
  ({ state }: { state: { data: T | undefined } }): number | false =>
    !following && state.data && jobs(state.data).some(isRunning) ? POLL_MS : false

const jobsOf = (data: InfiniteData<JobPage>): Job[] => data.pages.flatMap((page) => page.jobs)

/** The jobs that `search` finds, a page at a time, kept up to date by the socket; without it, as long as one of them runs. */
export function useJobs(scope: JobScope, search: JobSearch) {
  const following = useFollowing(() => ({ jobs: scope, project: search.project ?? null }))
  const query = useInfiniteQuery({
    queryKey: computed(() => keys.jobs(scope, { ...search })),
    queryFn: ({ pageParam }) => listJobs(scope, search, pageParam),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next ?? undefined,
    refetchInterval: computed(() => pollFor(following.value, jobsOf)),
  })
  const jobs = computed(() => (query.data.value ? jobsOf(query.data.value) : []))
  useEndsTold(() => jobs.value)
  return { ...query, jobs, isFiltered: computed(() => search.state !== '' || search.kind !== '') }
}

/** One job, followed until it has ended. */
export function useJob(project: MaybeRefOrGetter<string>, id: MaybeRefOrGetter<string>) {
  const runs = ref(false)
  const following = useFollowing(() => (runs.value ? { jobs: 'project', project: toValue(project) } : null))
  const query = useQuery({
    queryKey: computed(() => keys.job(toValue(project), toValue(id))),
    queryFn: () => getJob(toValue(project), toValue(id)),
    enabled: computed(() => Boolean(toValue(id))),
    refetchInterval: computed(() => pollFor<Job>(following.value, (job) => [job])),
  })
  watchEffect(() => (runs.value = query.data.value !== undefined && !isSettled(query.data.value)))
  useEndsTold(() => (query.data.value ? [query.data.value] : []))
  return { job: query.data, error: query.error, refetch: query.refetch }
}

/** Has everything that shows jobs ask for them again. */
export function useJobsChanged(): () => Promise<unknown> {
  const cache = useQueryClient()
  return () => readJobs(cache)
}

/** Tells those who do not see the list that a job has ended which ran before, and what it found. */
function useEndsTold(jobs: () => readonly Job[]): void {
  const { announce } = useAnnouncer()
  watch(jobs, (now, before) => {
    const ran = new Set(before.filter((job) => !isSettled(job)).map((job) => job.id))
    const ended = now.filter((job) => ran.has(job.id) && isSettled(job))
    if (ended.length === 0) return
    announce(
      ended
        .map((job) => {
          const became = t('jobs.became', { name: nameOf(job), state: stateOf(job) })
          return [became, findingOf(job)?.text].filter(Boolean).join('. ')
        })
        .join(' '),
    )
  })
}

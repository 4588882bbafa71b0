import { useQueryClient, type InfiniteData, type QueryClient } from '@tanstack/vue-query'
import { useDocumentVisibility } from '@vueuse/core'
import { computed, shallowReactive, toValue, watch, type ComputedRef, type MaybeRefOrGetter } from 'vue'
import { keys } from '@/api/keys'
import type { LiveJob, LiveMessage } from '@/api/live'
import type { Job, JobPage } from '@/api/types'
import { hearLive, sendLive, useLiveState } from '@/shared/composables/useLive'
import type { JobScope } from './jobs.api'

/** Which jobs are followed; a project is named for `project` alone. */
export interface Followed {
  jobs: JobScope
  project: string | null
}

/** However many jobs come and go, lists are read again no more often. */
const READ_MS = 1_000

const state = useLiveState()
/** What is followed, by how many. */
const wanted = new Map<string, { followed: Followed; by: number }>()
/** What the server said that it keeps telling of. */
const told = shallowReactive(new Set<string>())
/** The states of jobs that no list shows, as they were told last. */
const seen = new Map<string, string>()
let stopHearing: (() => void) | null = null
let resting = false
let again = false

const named = ({ jobs, project }: Followed): string => `${jobs} ${project ?? ''}`
const ofJobs = ({ queryKey }: { queryKey: readonly unknown[] }): boolean => queryKey.includes('jobs')

/** Has everything that shows jobs ask for them again. */
export const readJobs = (cache: QueryClient): Promise<void> => cache.invalidateQueries({ predicate: ofJobs })

/** Reads at once, or once that was done lately as soon as it may be done again. */
function readSoon(cache: QueryClient): void {
  again = resting
  if (resting) return
  resting = true
  window.setTimeout(() => {
    resting = false
    if (again) readSoon(cache)
  }, READ_MS)
  void readJobs(cache)
}

/** Shows how a job is now. What came of it, what is new, and what fits a filter no more is read. */
function apply(cache: QueryClient, project: string | null, news: LiveJob): void {
  const before: (string | undefined)[] = []
  const updated = (job: Job): Job => {
    if (job.id !== news.id) return job
    before.push(job.state)
    return { ...job, ...news }
  }
  for (const { queryKey } of cache.getQueryCache().findAll({ queryKey: ['jobs'], type: 'active' })) {
    cache.setQueryData<InfiniteData<JobPage>>(queryKey, (data) => {
      if (!data) return data
      if (!data.pages.some(({ jobs }) => jobs.some(({ id }) => id === news.id))) {
        before.push(seen.get(news.id))
        return data
      }
      const pages = data.pages.map((page) => ({ ...page, jobs: page.jobs.map(updated) }))
      return { ...data, pages }
    })
  }
  if (project !== null)
    cache.setQueryData<Job>(keys.job(project, news.id), (job) => (job ? updated(job) : job))
  seen.set(news.id, news.state)
  if (before.some((state) => state !== news.state)) readSoon(cache)
}

function take(cache: QueryClient, message: LiveMessage): void {
  switch (message.type) {
    case 'welcome':
      told.clear()
      for (const { followed } of wanted.values()) sendLive({ type: 'follow', ...followed })
      return
    case 'following':
      if (!wanted.has(named(message))) return
      told.add(named(message))
      seen.clear()
      // What is shown may have been read before changes were told.
      return readSoon(cache)
    case 'unfollowed':
      told.delete(named(message))
      return
    case 'job':
      apply(cache, message.project, message.job)
  }
}

function begin(cache: QueryClient, followed: Followed): () => void {
  const name = named(followed)
  const entry = wanted.get(name) ?? { followed, by: 0 }
  wanted.set(name, entry)
  entry.by += 1
  stopHearing ??= hearLive((message) => take(cache, message))
  if (entry.by === 1) sendLive({ type: 'follow', ...followed })
  return () => {
    entry.by -= 1
    if (entry.by > 0) return
    wanted.delete(name)
    told.delete(name)
    sendLive({ type: 'unfollow', ...followed })
    if (wanted.size > 0) return
    stopHearing?.()
    stopHearing = null
  }
}

/**
 * Has the server tell of jobs as long as the component lives and somebody looks, and keeps what is shown of them up to
 * date; null follows nothing. Returns whether it does: without a connection it does not.
 */
export function useFollowing(what: MaybeRefOrGetter<Followed | null>): ComputedRef<boolean> {
  const cache = useQueryClient()
  const visibility = useDocumentVisibility()
  const followed = computed(() => (visibility.value === 'visible' ? toValue(what) : null))
  const name = computed(() => (followed.value === null ? '' : named(followed.value)))
  watch(
    name,
    (_, __, onCleanup) => {
      if (followed.value !== null) onCleanup(begin(cache, followed.value))
    },
    { immediate: true },
  )
  return computed(() => state.value === 'open' && told.has(name.value))
}

import { useInfiniteQuery } from '@tanstack/vue-query'
import { computed, reactive, toValue, type MaybeRefOrGetter } from 'vue'
import { keys } from '@/api/keys'
import { useUrlState } from '@/shared/composables/useUrlState'
import { listEvents, type AuditSearch } from './audit.api'

const NAMES = ['q', 'action', 'outcome', 'actor', 'subject', 'since', 'until'] as const

/** What is searched for: it lives in the address, so that a view can be kept or sent. */
export function useAuditSearch(): AuditSearch {
  return reactive({
    q: useUrlState('q'),
    action: useUrlState('action'),
    outcome: useUrlState('outcome'),
    actor: useUrlState('actor'),
    subject: useUrlState('subject'),
    since: useUrlState('since'),
    until: useUrlState('until'),
  })
}

/** Forgets everything that is searched for. */
export function clearSearch(search: AuditSearch): void {
  for (const name of NAMES) search[name] = ''
}

/** The events that `search` finds, a page at a time; an empty project is the instance. */
export function useAuditEvents(project: MaybeRefOrGetter<string>, search: AuditSearch) {
  const query = useInfiniteQuery({
    queryKey: computed(() => keys.audit(toValue(project), { ...search })),
    queryFn: ({ pageParam }) => listEvents(toValue(project), search, pageParam),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next ?? undefined,
  })
  return {
    ...query,
    events: computed(() => query.data.value?.pages.flatMap((page) => page.events) ?? []),
    isFiltered: computed(() => NAMES.some((name) => search[name] !== '')),
  }
}

import { keepPreviousData, useQuery } from '@tanstack/vue-query'
import { refDebounced } from '@vueuse/core'
import { computed, toValue, type MaybeRefOrGetter } from 'vue'
import { keys } from '@/api/keys'
import type { Item } from '@/api/types'
import { findItems } from './projects.api'

const PAUSE_MS = 120
const SHORTEST = 2
const SHOWN = 8

/** The items of a project that fit what is typed, by key or text. The server is asked when the typing pauses. */
export function useItemSearch(
  project: MaybeRefOrGetter<string>,
  at: MaybeRefOrGetter<string>,
  text: MaybeRefOrGetter<string>,
) {
  const asked = refDebounced(
    computed(() => toValue(text).trim()),
    PAUSE_MS,
  )
  const enabled = computed(() => Boolean(toValue(project)) && asked.value.length >= SHORTEST)
  const { data } = useQuery({
    queryKey: computed(() => [...keys.at(toValue(project), toValue(at)), 'search', asked.value]),
    queryFn: ({ signal }) =>
      findItems(toValue(project), asked.value, { at: toValue(at), limit: SHOWN, signal }),
    enabled,
    placeholderData: keepPreviousData,
  })
  const wanted = computed(() => toValue(text).trim().length >= SHORTEST)
  return { items: computed<Item[]>(() => (enabled.value && wanted.value ? (data.value ?? []) : [])) }
}

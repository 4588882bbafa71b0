import { keepPreviousData, useMutation, useQuery, useQueryClient } from '@tanstack/vue-query'
import { computed, ref, toValue, type MaybeRefOrGetter } from 'vue'
import { ApiError } from '@/api/errors'
import { keys } from '@/api/keys'
import type { Comparison, MergeConflict, Resolution } from '@/api/types'
import { useNotify } from '@/shared/composables/useNotify'
import { t } from '@/shared/i18n'
import { useEntries } from '../compare/useComparison'
import { merge, previewMerge, startMerge, type Direction } from './branches.api'

export type Side = 'base' | 'ours' | 'theirs'
export type WordChoice = NonNullable<Resolution['words']>[number]

/** What is chosen other than a side: a choice for each disputed piece of a text, or a value of one's own. */
export type Own = { choose: 'words'; words: WordChoice[] } | { choose: 'value'; value: unknown }

function whereOf({ kind, id, field, field_key }: MergeConflict) {
  return { kind, id, field, field_key }
}

/** Where a conflict is, as one text. */
export function placeOf(item: MergeConflict | Resolution): string {
  return [item.kind, item.id, item.field, item.field_key ?? ''].join(' ')
}

// Each choice that fits no more costs a preview; whoever has more of them chooses anew.
const MOST_MISFITS = 20

/** Whether the server said that this is what does not fit. */
function isMisfit(item: Resolution, error: ApiError): boolean {
  const { kind, id, field, field_key: key } = error.extra
  const isThere = item.kind === kind && item.id === id && item.field === field
  return isThere && (key === undefined || (item.field_key ?? null) === key)
}

/**
 * A merge that is being prepared: its preview with what was chosen so far, and the writing of it.
 * Nothing is asked for while it is not `enabled`.
 */
export function useMerge(
  project: MaybeRefOrGetter<string>,
  branch: MaybeRefOrGetter<string>,
  direction: MaybeRefOrGetter<Direction>,
  enabled: MaybeRefOrGetter<boolean> = true,
) {
  const cache = useQueryClient()
  const notify = useNotify()
  const resolutions = ref<Resolution[]>([])
  const keyOf = (chosen: readonly Resolution[]) => [
    ...keys.branches(toValue(project)),
    toValue(branch),
    toValue(direction),
    chosen,
  ]
  const query = useQuery({
    queryKey: computed(() => keyOf(resolutions.value)),
    queryFn: () => previewMerge(toValue(project), toValue(branch), toValue(direction), resolutions.value),
    placeholderData: keepPreviousData,
    enabled: computed(() => toValue(enabled)),
    retry: false,
  })
  const preview = query.data
  const comparison = computed<Comparison | undefined>(() =>
    preview.value
      ? { from_ref: preview.value.ours, to_ref: preview.value.theirs, changes: preview.value.changes }
      : undefined,
  )
  const ours = computed(() => preview.value?.ours.branch ?? '')
  const theirs = computed(() => preview.value?.theirs.branch ?? '')
  const named = useEntries(project, ours, theirs, comparison)

  /** Puts in resolutions, in place of former ones of the same conflicts. */
  function replaced(news: readonly Resolution[]): Resolution[] {
    const places = new Set(news.map(placeOf))
    return [...resolutions.value.filter((item) => !places.has(placeOf(item))), ...news]
  }

  /** Chooses a side; a choice of before gives way. */
  function choose(conflicts: readonly MergeConflict[], side: Side): void {
    resolutions.value = replaced(conflicts.map((item) => ({ ...whereOf(item), choose: side })))
  }

  /** Takes words or a value of one's own, unless the server says that they do not fit. Returns whether it took them. */
  async function propose(conflict: MergeConflict, how: Own): Promise<boolean> {
    const wanted = replaced([{ ...whereOf(conflict), ...how }])
    try {
      const answer = await previewMerge(toValue(project), toValue(branch), toValue(direction), wanted)
      cache.setQueryData(keyOf(wanted), answer)
    } catch (refused) {
      notify.failure(refused, t('versioning.merge.notTaken'))
      return false
    }
    resolutions.value = wanted
    return true
  }

  /**
   * Takes up choices that were made for other versions of the two sides, without those that fit no more.
   * Returns how many these were.
   */
  async function restore(chosen: readonly Resolution[]): Promise<number> {
    let wanted = [...chosen]
    for (let round = 0; round < MOST_MISFITS && wanted.length > 0; round++) {
      try {
        const answer = await previewMerge(toValue(project), toValue(branch), toValue(direction), wanted)
        cache.setQueryData(keyOf(wanted), answer)
        break
      } catch (refused) {
        if (!(refused instanceof ApiError) || refused.code !== 'resolution_invalid') throw refused
        const error = refused
        const fitting = wanted.filter((item) => !isMisfit(item, error))
        wanted = fitting.length < wanted.length && round < MOST_MISFITS - 1 ? fitting : []
      }
    }
    resolutions.value = wanted
    return chosen.length - wanted.length
  }

  const shown = () => {
    if (!preview.value) throw new Error(t('versioning.merge.failed'))
    return preview.value
  }
  const onError = async (error: Error) => {
    const stale = error instanceof ApiError && error.code === 'merge_stale'
    notify.failure(error, t(stale ? 'versioning.merge.stale' : 'versioning.merge.failed'))
    if (!stale) return
    await restore(resolutions.value)
    await query.refetch()
  }
  const writing = useMutation({
    mutationFn: (message: string) =>
      merge(toValue(project), toValue(branch), shown(), resolutions.value, message),
    onError,
    onSuccess: async () => {
      await Promise.all([
        cache.invalidateQueries({ queryKey: keys.at(toValue(project)) }),
        cache.invalidateQueries({ queryKey: keys.log(toValue(project)) }),
      ])
    },
  })
  const starting = useMutation({
    mutationFn: (message: string) =>
      startMerge(toValue(project), toValue(branch), shown(), resolutions.value, message),
    onError,
  })

  return {
    preview,
    entries: named.entries,
    schema: named.schema,
    error: computed(() => query.error.value ?? named.error.value),
    isPending: query.isPending,
    refetch: query.refetch,
    choice: (item: MergeConflict): Resolution | null =>
      resolutions.value.find((one) => placeOf(one) === placeOf(item)) ?? null,
    choose,
    propose,
    restore,
    write: writing.mutateAsync,
    start: starting.mutateAsync,
    writing: computed(() => writing.isPending.value || starting.isPending.value),
  }
}

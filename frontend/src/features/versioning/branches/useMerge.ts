import { keepPreviousData, useMutation, useQuery, useQueryClient } from '@tanstack/vue-query'
import { computed, ref, toValue, type MaybeRefOrGetter } from 'vue'
import { ApiError } from '@/api/errors'
import { keys } from '@/api/keys'
import type { Comparison, MergeConflict, Resolution } from '@/api/types'
import { useNotify } from '@/shared/composables/useNotify'
import { t } from '@/shared/i18n'
import { useEntries } from '../compare/useComparison'
import { merge, previewMerge, type Direction } from './branches.api'

export type Side = Resolution['choose']

/** Where a conflict is, as one text. */
export function placeOf(item: MergeConflict | Resolution): string {
  return [item.kind, item.id, item.field, item.field_key ?? ''].join(' ')
}

/** A merge that is being prepared: its preview with what was chosen so far, and the writing of it. */
export function useMerge(
  project: MaybeRefOrGetter<string>,
  branch: MaybeRefOrGetter<string>,
  direction: MaybeRefOrGetter<Direction>,
) {
  const cache = useQueryClient()
  const notify = useNotify()
  const resolutions = ref<Resolution[]>([])
  const query = useQuery({
    queryKey: computed(() => [
      ...keys.branches(toValue(project)),
      toValue(branch),
      toValue(direction),
      resolutions.value,
    ]),
    queryFn: () => previewMerge(toValue(project), toValue(branch), toValue(direction), resolutions.value),
    placeholderData: keepPreviousData,
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

  /** Chooses a side; a choice of before gives way. */
  function choose(conflicts: readonly MergeConflict[], side: Side): void {
    const places = new Set(conflicts.map(placeOf))
    resolutions.value = [
      ...resolutions.value.filter((item) => !places.has(placeOf(item))),
      ...conflicts.map(({ kind, id, field, field_key }) => ({ kind, id, field, field_key, choose: side })),
    ]
  }

  const writing = useMutation({
    mutationFn: async (message: string) => {
      if (!preview.value) throw new Error(t('versioning.merge.failed'))
      return merge(toValue(project), toValue(branch), preview.value, resolutions.value, message)
    },
    onError: async (error) => {
      const stale = error instanceof ApiError && error.code === 'merge_stale'
      notify.failure(error, t(stale ? 'versioning.merge.stale' : 'versioning.merge.failed'))
      if (stale) await query.refetch()
    },
    onSuccess: async () => {
      await Promise.all([
        cache.invalidateQueries({ queryKey: keys.at(toValue(project)) }),
        cache.invalidateQueries({ queryKey: keys.log(toValue(project)) }),
      ])
    },
  })

  return {
    preview,
    entries: named.entries,
    schema: named.schema,
    error: computed(() => query.error.value ?? named.error.value),
    isPending: query.isPending,
    refetch: query.refetch,
    choice: (item: MergeConflict): Side | null =>
      resolutions.value.find((one) => placeOf(one) === placeOf(item))?.choose ?? null,
    choose,
    write: writing.mutateAsync,
    writing: writing.isPending,
  }
}

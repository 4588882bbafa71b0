import { useMutation, useQueryClient } from '@tanstack/vue-query'
import { toValue, type MaybeRefOrGetter } from 'vue'
import { keys } from '@/api/keys'
import type { Commit } from '@/api/types'
import { useNotify } from '@/shared/composables/useNotify'
import { postUndo } from '@/shared/composables/undo.api'
import { t } from '@/shared/i18n'
import { revertCommit } from '../versioning.api'

/** Takes a commit back by a new one, which itself can be undone. */
export function useRevert(project: MaybeRefOrGetter<string>) {
  const cache = useQueryClient()
  const notify = useNotify()
  const refresh = () =>
    Promise.all([
      cache.invalidateQueries({ queryKey: keys.at(toValue(project)) }),
      cache.invalidateQueries({ queryKey: keys.log(toValue(project)) }),
    ])

  async function undo(): Promise<void> {
    try {
      await postUndo(toValue(project))
    } catch (error) {
      notify.failure(error, t('common.undo.failed'))
    }
    await refresh()
  }

  const { mutate, isPending } = useMutation({
    mutationFn: (commit: Commit) => revertCommit(toValue(project), commit.seq),
    onSuccess: (_outcome, commit) =>
      notify.undoable(t('versioning.history.reverted', { seq: commit.seq }), undo),
    onError: (error, commit) => notify.failure(error, t('versioning.history.revertOf', { seq: commit.seq })),
    onSettled: refresh,
  })
  return { revert: (commit: Commit) => mutate(commit), reverting: isPending }
}

import { useMutation, useQueryClient } from '@tanstack/vue-query'
import { toValue, type MaybeRefOrGetter } from 'vue'
import { keys } from '@/api/keys'
import type { Branch } from '@/api/types'
import { useNotify } from '@/shared/composables/useNotify'
import { t } from '@/shared/i18n'
import { changeBranch, closeBranch, createBranch } from './branches.api'

/** Making, renaming, protecting and closing branches, each with a notice of what was done. */
export function useBranchWrites(project: MaybeRefOrGetter<string>) {
  const cache = useQueryClient()
  const notify = useNotify()
  const refresh = () => cache.invalidateQueries({ queryKey: keys.log(toValue(project)) })
  const failed = (error: Error) => notify.failure(error, t('versioning.branches.failed'))

  const creating = useMutation({
    mutationFn: ({ name, ref }: { name: string; ref: string }) => createBranch(toValue(project), name, ref),
    onSuccess: (made) => notify.info(t('versioning.branches.created', { name: made.name })),
    onError: failed,
    onSettled: refresh,
  })
  const protecting = useMutation({
    mutationFn: (branch: Branch) =>
      changeBranch(toValue(project), branch.id, { protected: !branch.protected }),
    onError: failed,
    onSettled: refresh,
  })
  const renaming = useMutation({
    mutationFn: ({ branch, name }: { branch: Branch; name: string }) =>
      changeBranch(toValue(project), branch.id, { name }),
    onSuccess: (renamed) => notify.info(t('versioning.branches.renamed', { name: renamed.name })),
    onError: failed,
    onSettled: refresh,
  })
  const closing = useMutation({
    mutationFn: ({ branch, discard }: { branch: Branch; discard: boolean }) =>
      closeBranch(toValue(project), branch.id, discard),
    onSuccess: (closed, { discard }) =>
      notify.info(t(`versioning.branches.${discard ? 'discarded' : 'closed'}`, { name: closed.name })),
    onError: failed,
    onSettled: refresh,
  })
  return {
    create: (name: string, ref: string) => creating.mutateAsync({ name, ref }),
    creating: creating.isPending,
    rename: (branch: Branch, name: string) => renaming.mutateAsync({ branch, name }),
    protect: (branch: Branch) => protecting.mutate(branch),
    close: (branch: Branch, discard: boolean) => closing.mutate({ branch, discard }),
  }
}

import { useMutation, useQuery, useQueryClient } from '@tanstack/vue-query'
import { computed, toValue, type MaybeRefOrGetter } from 'vue'
import { keys } from '@/api/keys'
import { t } from '../i18n'
import { useNotify } from './useNotify'
import { getUndoState, postRedo, postUndo } from './undo.api'

export interface UndoStackOptions {
  /** Whether the person may write; without it nothing is asked of the server. */
  enabled?: MaybeRefOrGetter<boolean>
}

/** Undo and redo of one's own commits. The stack is on the server, so it survives a reload. */
export function useUndoStack(project: MaybeRefOrGetter<string>, options: UndoStackOptions = {}) {
  const cache = useQueryClient()
  const notify = useNotify()
  const { data } = useQuery({
    queryKey: computed(() => keys.undo(toValue(project))),
    queryFn: () => getUndoState(toValue(project)),
    enabled: computed(() => toValue(options.enabled) ?? true),
  })

  async function refresh(): Promise<void> {
    const key = toValue(project)
    await Promise.all([
      cache.invalidateQueries({ queryKey: keys.at(key) }),
      cache.invalidateQueries({ queryKey: keys.log(key) }),
    ])
  }

  const { mutateAsync: undoOnServer, isPending: undoing } = useMutation({
    mutationFn: () => postUndo(toValue(project)),
    onSettled: refresh,
  })
  const { mutateAsync: redoOnServer, isPending: redoing } = useMutation({
    mutationFn: () => postRedo(toValue(project)),
    onSettled: refresh,
  })

  async function undo(): Promise<void> {
    const message = data.value?.undo?.message
    try {
      await undoOnServer()
      notify.info(message ? t('common.undo.undone', { message }) : t('common.undo.undoneOne'))
    } catch (error) {
      notify.failure(error, t('common.undo.failed'))
    }
  }

  async function redo(): Promise<void> {
    try {
      await redoOnServer()
      notify.info(t('common.undo.redone'))
    } catch (error) {
      notify.failure(error, t('common.undo.failed'))
    }
  }

  return {
    canUndo: computed(() => Boolean(data.value?.undo)),
    canRedo: computed(() => Boolean(data.value?.redo)),
    busy: computed(() => undoing.value || redoing.value),
    undo,
    redo,
    refresh,
  }
}

import { useQuery, useQueryClient } from '@tanstack/vue-query'
import { computed, toValue, type MaybeRefOrGetter } from 'vue'
import { keys } from '@/api/keys'
import { t } from '../i18n'
import { inTurn, isBusy } from '../lib/turns'
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
  const busy = isBusy(() => toValue(project))
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

  /** Takes the step when its turn comes: only then it is known what the last edit was. */
  async function step(
    direction: 'undo' | 'redo',
    send: (project: string) => Promise<unknown>,
  ): Promise<void> {
    const key = toValue(project)
    try {
      await inTurn(key, async () => {
        const state = await cache.fetchQuery({
          queryKey: keys.undo(key),
          queryFn: () => getUndoState(key),
          staleTime: 0,
        })
        const target = state[direction]
        if (!target) {
          notify.info(t(`common.undo.nothing.${direction}`))
          return
        }
        try {
          await send(key)
        } finally {
          await refresh()
        }
        const { message } = target
        if (direction === 'redo') notify.info(t('common.undo.redone'))
        else notify.info(message ? t('common.undo.undone', { message }) : t('common.undo.undoneOne'))
      })
    } catch (error) {
      notify.failure(error, t('common.undo.failed'))
    }
  }

  return {
    /** Whether there is something to undo, or may be once what is on its way has arrived. */
    canUndo: computed(() => busy.value || Boolean(data.value?.undo)),
    canRedo: computed(() => busy.value || Boolean(data.value?.redo)),
    undo: () => step('undo', postUndo),
    redo: () => step('redo', postRedo),
    refresh,
  }
}

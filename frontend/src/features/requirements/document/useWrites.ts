import { useQueryClient } from '@tanstack/vue-query'
import { ref, shallowRef, type Ref } from 'vue'
import { keys } from '@/api/keys'
import type { CommitAnswer, Operation } from '@/api/types'
import { useNotify } from '@/shared/composables/useNotify'
import { t } from '@/shared/i18n'
import { commit, conflictsOf, type Conflict } from '../requirements.api'

export interface Write {
  operations: Operation[]
  message?: string
  /** Shows the change at once. */
  show?: () => void
  /** Takes back what `show` did, when the server refuses. */
  takeBack?: () => void
}

interface Pending {
  write: Write
  conflicts: Conflict[]
}

/**
 * Saves operations one after the other, so that fast typing never conflicts with itself. What is saved is shown at
 * once; a refusal takes it back and is explained; a conflict waits in `conflict` until somebody has chosen.
 */
export function useWrites(
  project: Ref<string>,
  base: Ref<number>,
  onSaved: (answer: CommitAnswer, write: Write) => Promise<void>,
  onRefused: () => Promise<void>,
) {
  const cache = useQueryClient()
  const notify = useNotify()
  const conflict = shallowRef<Pending | null>(null)
  const saving = ref(0)
  let queue: Promise<unknown> = Promise.resolve()

  /** Returns whether it was saved. */
  function save(write: Write): Promise<boolean> {
    write.show?.()
    const work = queue.then(() => send(write))
    queue = work
    return work
  }

  async function send(write: Write): Promise<boolean> {
    saving.value += 1
    try {
      const answer = await commit(project.value, base.value, write.message ?? '', write.operations)
      base.value = Math.max(base.value, answer.ref.seq)
      await onSaved(answer, write)
      void cache.invalidateQueries({ queryKey: keys.log(project.value) })
      return true
    } catch (error) {
      write.takeBack?.()
      const conflicts = conflictsOf(error)
      if (conflicts.length > 0) conflict.value = { write, conflicts }
      else notify.failure(error, t('document.failed'))
      await onRefused()
      return false
    } finally {
      saving.value -= 1
    }
  }

  /** Ends a conflict: saves mine over what is there now, or lets theirs stand. */
  async function resolve(keepMine: boolean): Promise<void> {
    const pending = conflict.value
    conflict.value = null
    if (pending && keepMine) await save(pending.write)
  }

  return { save, saving, conflict, resolve }
}

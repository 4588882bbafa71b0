import { useQueryClient } from '@tanstack/vue-query'
import { useEventListener } from '@vueuse/core'
import { ref, shallowRef, type Ref } from 'vue'
import { keys } from '@/api/keys'
import type { CommitAnswer, Operation } from '@/api/types'
import { changeMessage } from '@/shared/composables/useChangeMessage'
import { useNotify } from '@/shared/composables/useNotify'
import { t } from '@/shared/i18n'
import { noteOwnCommit } from '@/shared/lib/ownCommits'
import { inTurn } from '@/shared/lib/turns'
import { commit, conflictsOf, type Conflict } from '../requirements.api'

export interface Write {
  operations: Operation[]
  /** What is done; what its author says of it goes before. */
  message?: string
  /** Shows the change at once. */
  show?: () => void
  /** Takes back what `show` did, when the server refuses. */
  takeBack?: () => void
}

/** What a conflict says of a side that deleted the thing. */
const DELETED = 'deleted'

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
  onSaved: (answer: CommitAnswer, write: Write, isLast: boolean) => Promise<void>,
  onRefused: () => Promise<void>,
) {
  const cache = useQueryClient()
  const notify = useNotify()
  const conflict = shallowRef<Pending | null>(null)
  const saving = ref(0)
  /** What our own saves made of a version of a thing: what is typed on top of it does not conflict with them. */
  const own = new Map<string, number>()

  useEventListener(window, 'beforeunload', (event) => {
    if (saving.value > 0) event.preventDefault()
  })

  /** Returns whether it was saved. */
  function save(write: Write): Promise<boolean> {
    write.show?.()
    saving.value += 1
    // What is typed as the message while a change waits for its turn is about later ones.
    const message = changeMessage(project.value) || write.message
    return inTurn(project.value, () => send({ ...write, message }))
  }

  function based(operation: Operation): Operation {
    let seen = operation.base ?? undefined
    for (let next = seen; next !== undefined; next = own.get(`${operation.id}@${next}`)) seen = next
    return seen === undefined ? operation : { ...operation, base: seen }
  }

  async function send(write: Write): Promise<boolean> {
    const operations = write.operations.map(based)
    try {
      const answer = await commit(project.value, base.value, write.message ?? '', operations)
      base.value = Math.max(base.value, answer.ref.seq)
      noteOwnCommit(project.value, answer.ref.seq)
      if (!answer.merged) {
        for (const { id, base: seen } of operations) if (seen) own.set(`${id}@${seen}`, answer.ref.seq)
      }
      await onSaved(answer, write, saving.value === 1)
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
    if (!pending || !keepMine) return
    // Theirs was seen and is overwritten on purpose: seen from the version that was read after the refusal.
    const operations = pending.write.operations.map((operation) => ({ ...operation, base: null }))
    // What they deleted comes back first. Its place in the document does not: that is for somebody to choose.
    const restores = pending.conflicts
      .filter(({ theirs }) => theirs === DELETED)
      .map(({ kind, id }): Operation => ({ op: 'restore', kind, id, items: false }))
    const saved = await save({ ...pending.write, operations: [...restores, ...operations] })
    if (saved && restores.length > 0) notify.info(t('document.keptWithoutPlace'))
  }

  return { save, saving, conflict, resolve }
}

import { useToast } from '@nuxt/ui/composables'
import { ref, shallowRef, type Ref } from 'vue'
import { useI18n } from 'vue-i18n'
import { commit, conflictsOf, type CommitAnswer, type Conflict, type Operation } from './requirements.api'

interface Pending {
  operations: Operation[]
  message: string
  conflicts: Conflict[]
}

/**
 * Saves operations one after the other, so that fast typing never conflicts with itself. A refusal is explained and
 * taken back by `onRefused`; a conflict is kept in `conflict` until somebody chose.
 */
export function useWrites(
  project: Ref<string>,
  base: Ref<number>,
  onSaved: (answer: CommitAnswer) => Promise<void>,
  onRefused: () => Promise<void>,
) {
  const { t } = useI18n()
  const toast = useToast()
  const conflict = shallowRef<Pending | null>(null)
  const saving = ref(0)
  let queue: Promise<unknown> = Promise.resolve()

  function save(operations: Operation[], message = ''): Promise<void> {
    const work = queue.then(() => send(operations, message, base.value))
    queue = work.catch(() => undefined)
    return work
  }

  async function send(operations: Operation[], message: string, from: number): Promise<void> {
    saving.value += 1
    try {
      const answer = await commit(project.value, from, message, operations)
      base.value = answer.ref.seq
      await onSaved(answer)
    } catch (error) {
      const conflicts = conflictsOf(error)
      if (conflicts.length > 0) conflict.value = { operations, message, conflicts }
      else toast.add({ title: t('document.failed'), description: (error as Error).message, color: 'error' })
      await onRefused()
    } finally {
      saving.value -= 1
    }
  }

  /** Ends a conflict: saves mine over what is there now, or lets theirs stand. */
  async function resolve(keepMine: boolean): Promise<void> {
    const pending = conflict.value
    conflict.value = null
    if (pending && keepMine) await save(pending.operations, pending.message)
  }

  return { save, saving, conflict, resolve }
}

import { useQuery, useQueryClient } from '@tanstack/vue-query'
import { computed, shallowRef, toValue, type MaybeRefOrGetter } from 'vue'
import { keys } from '@/api/keys'
import type { EditConflict, Item, ItemAnswer } from '@/api/types'
import { useChangeMessage } from '@/shared/composables/useChangeMessage'
import { useNotify } from '@/shared/composables/useNotify'
import { useUndoStack } from '@/shared/composables/useUndoStack'
import { t } from '@/shared/i18n'
import { conflictsOf, deleteItem, getItem, restoreItem, setAttribute } from './item.api'

export interface ItemOptions {
  project: MaybeRefOrGetter<string>
  /** Its key or id. */
  item: MaybeRefOrGetter<string>
  at: MaybeRefOrGetter<string>
  canEdit: MaybeRefOrGetter<boolean>
}

interface Refusal {
  error: unknown
  conflicts: readonly EditConflict[]
  insist: () => Promise<void>
}

/** One item at a version, and what can be done with it: each write can be undone, and says in place why it was refused. */
export function useItem(options: ItemOptions) {
  const cache = useQueryClient()
  const notify = useNotify()
  const project = computed(() => toValue(options.project))
  const message = useChangeMessage(project)
  const { undo, refresh } = useUndoStack(project, { enabled: options.canEdit })
  const refusal = shallowRef<Refusal | null>(null)
  const busy = shallowRef(false)
  const queryKey = computed(() => keys.item(project.value, toValue(options.item), toValue(options.at)))
  const { data, error, isPending, refetch } = useQuery({
    queryKey,
    queryFn: () => getItem(project.value, toValue(options.item), toValue(options.at)),
  })
  const item = computed<Item | undefined>(() => data.value?.item)

  async function run(work: () => Promise<unknown>, done: string, insist: () => Promise<void>): Promise<void> {
    refusal.value = null
    busy.value = true
    try {
      await work()
      await refresh()
      notify.undoable(done, undo)
    } catch (problem) {
      await refresh()
      refusal.value = { error: problem, conflicts: conflictsOf(problem), insist }
    } finally {
      busy.value = false
    }
  }

  /** Sets a value of an item as it was when its editing began; `insist` overwrites what others made of it since. */
  async function set(attribute: string, value: unknown, of: Item, insist = false): Promise<void> {
    const current = data.value
    const { id, key } = of
    // What the server makes of rich text is known to it alone: only plain values are shown before its answer.
    if (current?.item.id === id && (typeof value !== 'string' || !value.startsWith('<'))) {
      cache.setQueryData<ItemAnswer>(queryKey.value, {
        ...current,
        item: { ...current.item, attributes: { ...current.item.attributes, [attribute]: value } },
      })
    }
    await run(
      () => setAttribute(project.value, id, insist ? null : of.revision, attribute, value, message.value),
      t('item.done.changed', { key: key ?? '' }),
      () => set(attribute, value, of, true),
    )
  }

  async function restore(seq: number): Promise<void> {
    const { id, key } = item.value ?? {}
    if (!id) return
    const done = t('item.done.restored', { key: key ?? '', seq })
    await run(
      () => restoreItem(project.value, id, seq, message.value),
      done,
      () => restore(seq),
    )
  }

  async function remove(): Promise<void> {
    const current = data.value
    if (!current) return
    const { id, key } = current.item
    await run(
      () => deleteItem(project.value, id, current.ref.seq, message.value),
      t('item.done.deleted', { key: key ?? '' }),
      remove,
    )
  }

  return {
    item,
    ref: computed(() => data.value?.ref),
    error,
    isPending,
    refetch,
    refresh,
    refusal,
    busy,
    set,
    restore,
    remove,
    dismiss: () => (refusal.value = null),
  }
}

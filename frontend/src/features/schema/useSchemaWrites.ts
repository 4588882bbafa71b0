import { useQueryClient } from '@tanstack/vue-query'
import { shallowRef, toValue, type InjectionKey, type MaybeRefOrGetter } from 'vue'
import { keys } from '@/api/keys'
import type { EditConflict, Operation, ProjectSchema } from '@/api/types'
import { useNotify } from '@/shared/composables/useNotify'
import { useUndoStack } from '@/shared/composables/useUndoStack'
import { inTurn } from '@/shared/lib/turns'
import { applyOperations } from './applyOperations'
import { commit, conflictsOf } from './schema.api'

/** Why a write was refused, told beside what was edited. */
export interface Refusal {
  /** The id of what was edited. */
  target: string
  error: unknown
  conflicts: readonly EditConflict[]
  /** Writes the same over what others wrote meanwhile. */
  insist: () => Promise<boolean>
}

export interface SchemaWrite {
  target: string
  /** What was done, as the log and the notice say it. */
  done: string
  operations: Operation[]
}

/** Writes to the schema: shown at once, rolled back and explained in place when refused, and undoable. */
export function useSchemaWrites(project: MaybeRefOrGetter<string>, canEdit: MaybeRefOrGetter<boolean>) {
  const cache = useQueryClient()
  const notify = useNotify()
  const { undo, refresh } = useUndoStack(project, { enabled: canEdit })
  const refusal = shallowRef<Refusal | null>(null)
  const schemaKey = () => keys.schema(toValue(project))

  // One after the other: what is typed while a write is on its way is based on that write, not beside it.
  let waiting = 0
  let refusals = 0
  let confirmed: ProjectSchema | undefined

  async function write(change: SchemaWrite): Promise<boolean> {
    if (change.operations.length === 0) return true
    refusal.value = null
    await cache.cancelQueries({ queryKey: schemaKey() })
    const before = cache.getQueryData<ProjectSchema>(schemaKey())
    if (waiting === 0) confirmed = before
    if (before) cache.setQueryData(schemaKey(), applyOperations(before, change.operations))
    waiting += 1
    const began = refusals
    // What was typed upon a write that was refused goes with it.
    return inTurn(toValue(project), async () => (began === refusals ? send(change) : false)).finally(() => {
      waiting -= 1
    })
  }

  async function send(change: SchemaWrite): Promise<boolean> {
    const base = cache.getQueryData<ProjectSchema>(schemaKey())?.ref.seq ?? null
    try {
      const { ref } = await commit(toValue(project), base, change.done, change.operations)
      const alone = ref.seq === (base ?? 0) + 1
      if (alone) {
        cache.setQueryData<ProjectSchema>(schemaKey(), (schema) => schema && { ...schema, ref })
      }
      if (!alone || waiting === 1) await refresh()
      notify.undoable(change.done, undo)
      return true
    } catch (error) {
      refusals += 1
      cache.setQueryData(schemaKey(), confirmed)
      await refresh()
      refusal.value = {
        target: change.target,
        error,
        conflicts: conflictsOf(error),
        insist: () => write(change),
      }
      return false
    }
  }

  return { write, refusal, dismiss: () => (refusal.value = null) }
}

export type SchemaWrites = ReturnType<typeof useSchemaWrites>
export const SCHEMA_WRITES: InjectionKey<SchemaWrites> = Symbol('schema writes')

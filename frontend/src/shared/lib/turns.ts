import { computed, reactive, type ComputedRef } from 'vue'

const last = new Map<string, Promise<unknown>>()
const waiting = reactive(new Map<string, number>())

/**
 * Runs `work` when all earlier work of the same project has ended, whether well or badly. Writes take turns, so that
 * what is pressed while an edit is still on its way means that edit.
 */
export function inTurn<T>(project: string, work: () => Promise<T>): Promise<T> {
  waiting.set(project, (waiting.get(project) ?? 0) + 1)
  const mine = (last.get(project) ?? Promise.resolve()).then(work).finally(() => {
    waiting.set(project, (waiting.get(project) ?? 1) - 1)
  })
  last.set(
    project,
    mine.catch(() => undefined),
  )
  return mine
}

/** Whether work of a project is under way or waits for its turn. */
export function isBusy(project: () => string): ComputedRef<boolean> {
  return computed(() => (waiting.get(project()) ?? 0) > 0)
}

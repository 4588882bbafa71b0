import { useSessionStorage } from '@vueuse/core'
import { computed, toValue, type MaybeRefOrGetter } from 'vue'

/** How many characters the server takes. */
export const LONGEST_MESSAGE = 2000

// It is kept through a reload, after which changes would not say any more why they were made; but for this tab alone.
const messages = useSessionStorage<Record<string, string>>('reqtrail-change-messages', {})

/** Why the changes of a project are made, from now on; empty if nobody said. */
export function changeMessage(project: string): string {
  return messages.value[project] ?? ''
}

/** The message that goes with every further change of a project, until it is taken away. */
export function useChangeMessage(project: MaybeRefOrGetter<string>) {
  return computed({
    get: () => changeMessage(toValue(project)),
    set: (text: string) => {
      const { [toValue(project)]: _before, ...others } = messages.value
      const message = text.trim().slice(0, LONGEST_MESSAGE)
      messages.value = message ? { ...others, [toValue(project)]: message } : others
    },
  })
}

/** Forgets the messages of all projects: who signs in next has other reasons. */
export function forgetChangeMessages(): void {
  messages.value = {}
}
